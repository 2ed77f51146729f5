# bash completion for rio

# Sets what can follow a command: subcommands, values of its argument, and options.
_rio_candidates() {
    commands="" values="" options="-h --help"
    case $1 in
        "rio")
            commands="auth organization project doctor version completion help"
            options+=" -V --version" ;;
        "rio auth")
            commands="login logout refresh-token status token environment help" ;;
        "rio auth login")
            options+=" --email --password --password-file --auth-token --auth-token-file"
            options+=" --organization --project --interactive --no-interactive --silent --yes"
            options+=" --no-browser --no-qr --json --if-expires-within --timeout" ;;
        "rio auth logout")
            options+=" --json" ;;
        "rio auth refresh-token")
            options+=" --password --password-file --interactive --no-interactive --silent"
            options+=" --if-expires-within --json" ;;
        "rio auth status")
            options+=" --json --verify --min-valid" ;;
        "rio auth token")
            options+=" --email --password --password-file --level --current --min-valid" ;;
        "rio auth environment")
            values="ga dev qa"
            options+=" --yes --interactive --no-interactive --silent" ;;
        "rio organization" | "rio project")
            commands="list select help" ;;
        "rio organization list" | "rio project list")
            options+=" --json" ;;
        "rio organization select" | "rio project select")
            options+=" --interactive --no-interactive --silent --json" ;;
        "rio doctor")
            options+=" --offline --json" ;;
        "rio version") ;;
        "rio completion")
            values="bash zsh fish nushell" ;;
        *)
            options="" ;;
    esac
}

# Appends a word to the command, with abbreviations spelled out.
_rio_append() {
    local name matches=()
    for name in $commands; do
        [[ $name == "$1" ]] && matches=("$name") && break
        [[ $name == "$1"* ]] && matches+=("$name")
    done
    if [[ ${#matches[@]} == 1 && ${matches[0]} == help ]]; then
        help=1
    elif [[ ${#matches[@]} == 1 ]]; then
        command+=" ${matches[0]}"
        _rio_candidates "$command"
    elif [[ -n $commands ]]; then
        command="unknown"
        _rio_candidates "$command"
    else
        values=""
    fi
}

_rio() {
    local IFS=$' \t\n' commands values options command=rio option="" help="" first=1
    local word="" rest=$COMP_LINE piece current
    _rio_candidates "$command"
    # Bash splits words at =, : and @ too. Pieces without a blank between them are one word.
    for piece in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
        word+=$piece
        rest=${rest#*"$piece"}
        [[ $rest == [[:blank:]]* ]] || continue
        if [[ -n $first ]]; then
            first=""
        elif [[ -n $option ]]; then
            option=""
        else
            case $word in
                --email | --password | --password-file | --auth-token | --auth-token-file | \
                    --organization | --project | --level | --if-expires-within | --min-valid | --timeout)
                    option=$word ;;
                -*) ;;
                *) _rio_append "$word" ;;
            esac
        fi
        word=""
    done
    current=$word${COMP_WORDS[COMP_CWORD]}
    if [[ -z $option && $current == --*=* ]]; then
        option=${current%%=*}
        current=${current#*=}
    fi
    if [[ -n $help ]]; then
        commands=${commands% help} values="" options="-h --help"
    fi
    if [[ $option == --*-file ]]; then
        # Readline completes file names.
        compopt -o default 2> /dev/null
    fi
    case $option/$current in
        --level/*) values="0 1 2" ;;
        --*/*) values="" ;;
        /-*) values=$options ;;
        *) values="$commands $values" ;;
    esac
    # If bash does not split at =, it replaces the option too.
    COMPREPLY=($(compgen -P "${2%"$current"}" -W "$values" -- "$current"))
}

complete -F _rio rio
