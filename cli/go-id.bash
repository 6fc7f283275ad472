# shellcheck shell=bash
# Completion for go-id; installed to share/bash-completion/completions/go-id.

_go_id() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=''
    # To bash --config=FILE is three words.
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case "${COMP_WORDS[1]} $previous" in
    *' -c' | *' --config')
        # Blanks get a backslash, folders a slash.  It fails where no completion is under way.
        compopt -o filenames 2>/dev/null || true
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    'decode -s' | *' --start-time' | *' -l' | *' --listen' | *' -r' | *' --ready-fd' | *' -t' | \
        *' --timeout-ms')
        COMPREPLY=() # nobody can guess these
        return
        ;;
    esac
    if ((COMP_CWORD == 1)); then
        words='serve decode health config state version help --help --version'
    else
        case ${COMP_WORDS[1]} in
        serve) words='--config --listen --ready-fd --help' ;;
        decode) words='--json --start-time --help' ;;
        health) words='--config --timeout-ms --help' ;;
        config) words='--config --sample --help' ;;
        state) words='show adopt migrate accept-clock --config --yes --help' ;;
        version) words='--help' ;;
        help) words='serve decode health config state version' ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _go_id go-id
