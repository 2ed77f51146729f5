function __rio_is_at
    set -l place rio
    set -l option
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if set -q option[1]
            set -e option[1]
        else if contains -- $word @OPTIONS@
            set option $word
        else if not string match -q -- '-*' $word
            set place "$place $word"
        end
    end
    test "$place" = "$argv"
end

complete -c rio -f
@PLACES@
