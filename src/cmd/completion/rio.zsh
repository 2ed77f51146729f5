#compdef rio

_rio() {
    local place=rio option word
    local -a offers flags
    for word in "${(@)words[2,CURRENT-1]}"; do
        if [[ -n $option ]]; then
            option=
        else
            case $word in
                (@OPTIONS@) option=$word ;;
                (-*) ;;
                (*) place+=" $word" ;;
            esac
        fi
    done
    if [[ -z $option && $PREFIX == --*=* ]]; then
        option=${PREFIX%%=*}
        compset -P '*='
    fi
    case ${option:-$place} in
@PLACES@
    esac
    if [[ -z $option && $PREFIX == -* ]]; then
        _describe -o option flags
    else
        _describe value offers
    fi
}

if [[ $funcstack[1] == _rio ]]; then
    _rio "$@"
else
    compdef _rio rio
fi
