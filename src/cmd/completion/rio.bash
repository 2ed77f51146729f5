_rio() {
    local IFS=$' \t\n' place="" option="" word="" offers="" flags="" rest=$COMP_LINE piece cur
    # Bash takes =, : and @ for words of their own; what has no blank between belongs together.
    for piece in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
        word+=$piece
        rest=${rest#*"$piece"}
        [[ $rest == [[:blank:]]* ]] || continue
        if [[ -z $place ]]; then
            place=rio
        elif [[ -n $option ]]; then
            option=""
        else
            case $word in
                @OPTIONS@) option=$word ;;
                -*) ;;
                *) place+=" $word" ;;
            esac
        fi
        word=""
    done
    cur=$word${COMP_WORDS[COMP_CWORD]}
    if [[ -z $option && $cur == --*=* ]]; then
        option=${cur%%=*}
        cur=${cur#*=}
    fi
    case ${option:-$place} in
@PLACES@
    esac
    [[ -z $option && $cur == -* ]] && offers=$flags
    # Where = is no word of its own, the option before it is part of what is replaced.
    COMPREPLY=($(compgen -P "${2%"$cur"}" -W "$offers" -- "$cur"))
}

complete -F _rio rio
