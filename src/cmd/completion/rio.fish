# fish completion for rio

# Prints the command before the cursor, without options and their values, one word per line.
function __rio_words
    echo rio
    set -l words (commandline -opc)
    set -l value_follows false
    for word in $words[2..]
        if $value_follows
            set value_follows false
        else if contains -- $word --email --password --password-file --auth-token --auth-token-file --organization --project --level --if-expires-within --min-valid
            set value_follows true
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

# Whether the other arguments are this command. Each may be abbreviated.
function __rio_matches -a command
    set -l typed (string escape --style=regex -- $argv[2..])
    string match -qr -- '^'(string join '\S* ' $typed)'\S*$' $command
end

# Whether an option of this command can follow.
function __rio_option -a command
    set -l words (__rio_words)
    set -l length (count (string split ' ' $command))
    __rio_matches $command $words[1..$length]
end

# Whether the argument of this command can follow.
function __rio_argument -a command
    __rio_matches $command (__rio_words)
end

# Whether a subcommand of this command can follow. `help` can be in between.
function __rio_subcommand -a command
    __rio_matches $command (string match -v help (__rio_words))
end

set -l password 'password, or - for standard input'
set -l password_file 'file with the password, or - for standard input'
set -l interactive 'prompt for missing values (default)'
set -l no_interactive 'like --silent, unless --interactive follows'

complete -c rio -f
complete -c rio -s h -l help -d 'show this help'

complete -c rio -n '__rio_argument rio' -s V -l version -d 'print the version'
complete -c rio -n '__rio_subcommand rio' -a auth -d 'Log in and out, and manage tokens'
complete -c rio -n '__rio_subcommand rio' -a organization -d 'List and select organizations'
complete -c rio -n '__rio_subcommand rio' -a project -d 'List and select projects'
complete -c rio -n '__rio_subcommand rio' -a doctor -d 'Check this machine and the connection to rapyuta.io'
complete -c rio -n '__rio_subcommand rio' -a version -d 'Print the version'
complete -c rio -n '__rio_subcommand rio' -a completion -d 'Print a shell completion script'
complete -c rio -n '__rio_argument rio' -a help -d 'Show help for a command'

complete -c rio -n '__rio_subcommand "rio auth"' -a login -d 'Log in and select an organization and a project'
complete -c rio -n '__rio_subcommand "rio auth"' -a logout -d 'Log out and revoke the token'
complete -c rio -n '__rio_subcommand "rio auth"' -a refresh-token -d 'Replace the stored token with a new one'
complete -c rio -n '__rio_subcommand "rio auth"' -a status -d 'Show who is logged in and when the token expires'
complete -c rio -n '__rio_subcommand "rio auth"' -a token -d 'Print a new token or the stored one'
complete -c rio -n '__rio_subcommand "rio auth"' -a environment -d 'Show or change the rapyuta.io environment'
complete -c rio -n '__rio_argument "rio auth"' -a help -d 'Show help for a command'

complete -c rio -n '__rio_subcommand "rio organization"' -a list -d 'List your organizations'
complete -c rio -n '__rio_subcommand "rio organization"' -a select -d 'Select another organization, and then one of its projects'
complete -c rio -n '__rio_argument "rio organization"' -a help -d 'Show help for a command'
complete -c rio -n '__rio_subcommand "rio project"' -a list -d 'List the projects of the selected organization'
complete -c rio -n '__rio_subcommand "rio project"' -a select -d 'Select another project of the selected organization'
complete -c rio -n '__rio_argument "rio project"' -a help -d 'Show help for a command'

complete -c rio -n '__rio_option "rio auth login"' -l email -x -d 'log in with this email and a password'
complete -c rio -n '__rio_option "rio auth login"' -l password -x -d $password
complete -c rio -n '__rio_option "rio auth login"' -l password-file -rF -d $password_file
complete -c rio -n '__rio_option "rio auth login"' -l auth-token -x -d 'log in with this token, or - for standard input'
complete -c rio -n '__rio_option "rio auth login"' -l auth-token-file -rF -d 'file with the token, or - for standard input'
complete -c rio -n '__rio_option "rio auth login"' -l organization -x -d 'exact name or GUID of the organization to select'
complete -c rio -n '__rio_option "rio auth login"' -l project -x -d 'exact name or GUID of the project to select'
complete -c rio -n '__rio_option "rio auth login"' -l interactive -d $interactive
complete -c rio -n '__rio_option "rio auth login"' -l no-interactive -d $no_interactive
complete -c rio -n '__rio_option "rio auth login"' -l silent -d 'no prompts, no login by phone; implies --yes'
complete -c rio -n '__rio_option "rio auth login"' -l yes -d 'replace an existing login without asking'
complete -c rio -n '__rio_option "rio auth login"' -l no-browser -d 'do not open a browser in a graphical session'
complete -c rio -n '__rio_option "rio auth login"' -l no-qr -d 'do not draw a QR code (for screen readers)'
complete -c rio -n '__rio_option "rio auth login"' -l json -d 'no prompts; print JSON events; implies --yes'
complete -c rio -n '__rio_option "rio auth login"' -l if-expires-within -x -d 'keep the login if its token is valid for longer, or is in the first third of its lifetime'
complete -c rio -n '__rio_option "rio auth login"' -l timeout -x -d 'wait this long (90s, 10m), then exit with code 3'

complete -c rio -n '__rio_option "rio auth logout"' -l json -d 'print one JSON object'

complete -c rio -n '__rio_option "rio auth refresh-token"' -l password -x -d $password
complete -c rio -n '__rio_option "rio auth refresh-token"' -l password-file -rF -d $password_file
complete -c rio -n '__rio_option "rio auth refresh-token"' -l interactive -d $interactive
complete -c rio -n '__rio_option "rio auth refresh-token"' -l no-interactive -d $no_interactive
complete -c rio -n '__rio_option "rio auth refresh-token"' -l silent -d 'never prompt for the password'
complete -c rio -n '__rio_option "rio auth refresh-token"' -l if-expires-within -x -d 'keep the token if it is valid for longer, or is in the first third of its lifetime'
complete -c rio -n '__rio_option "rio auth refresh-token"' -l json -d 'print one JSON object'

complete -c rio -n '__rio_option "rio auth status"' -l json -d 'print one JSON object'
complete -c rio -n '__rio_option "rio auth status"' -l verify -d 'ask the server whether it accepts the token'
complete -c rio -n '__rio_option "rio auth status"' -l min-valid -x -d 'exit with 1 if the token is known to expire within DURATION (2d, 12h, 90m)'

complete -c rio -n '__rio_option "rio auth token"' -l email -x -d 'email of the account (default: the stored email)'
complete -c rio -n '__rio_option "rio auth token"' -l password -x -d $password
complete -c rio -n '__rio_option "rio auth token"' -l password-file -rF -d $password_file
complete -c rio -n '__rio_option "rio auth token"' -l level -x -a '0\t"24 hours" 1\t"7 days" 2\t"30 days"' -d 'lifetime: 0 = 24 h (default), 1 = 7 days, 2 = 30 days'
complete -c rio -n '__rio_option "rio auth token"' -l current -d 'print the stored token; never prompt'
complete -c rio -n '__rio_option "rio auth token"' -l min-valid -x -d 'with --current: first refresh a token that expires within DURATION (2d, 12h, 90m), but not in the first third of its lifetime; warns if it still expires sooner'

complete -c rio -n '__rio_option "rio auth environment"' -l yes -d 'do not ask at a terminal before removing a login'
complete -c rio -n '__rio_option "rio auth environment"' -l interactive -d 'ask at a terminal before removing a login (default)'
complete -c rio -n '__rio_option "rio auth environment"' -l no-interactive -d 'the same as --yes'
complete -c rio -n '__rio_option "rio auth environment"' -l silent -d 'the same as --yes, even with --interactive'
complete -c rio -n '__rio_argument "rio auth environment"' -a 'ga\tproduction dev\tdevelopment qa\ttesting'
complete -c rio -n '__rio_option "rio organization list"' -l json -d 'print one JSON array'
complete -c rio -n '__rio_option "rio organization select"' -l interactive -d 'prompt for NAME (default)'
complete -c rio -n '__rio_option "rio organization select"' -l no-interactive -d $no_interactive
complete -c rio -n '__rio_option "rio organization select"' -l silent -d 'never prompt; needs NAME'
complete -c rio -n '__rio_option "rio organization select"' -l json -d 'never prompt; print one JSON object'

complete -c rio -n '__rio_option "rio project list"' -l json -d 'print one JSON array'
complete -c rio -n '__rio_option "rio project select"' -l interactive -d 'prompt for NAME (default)'
complete -c rio -n '__rio_option "rio project select"' -l no-interactive -d $no_interactive
complete -c rio -n '__rio_option "rio project select"' -l silent -d 'never prompt; needs NAME'
complete -c rio -n '__rio_option "rio project select"' -l json -d 'never prompt; print one JSON object'

complete -c rio -n '__rio_option "rio doctor"' -l offline -d 'check only this machine; send nothing'
complete -c rio -n '__rio_option "rio doctor"' -l json -d 'print one JSON object'

complete -c rio -n '__rio_argument "rio completion"' -a 'bash\t"GNU Bash" zsh\t"Z shell" fish\t"fish shell" nushell\tNushell'
