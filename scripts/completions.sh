#!/usr/bin/env bash
# completions.sh GO_ID bash|zsh|fish: prints the completion for that shell, made from what `GO_ID help`
# and `GO_ID COMMAND --help` say, so that there is nothing to keep up to date.
#
# An option whose value is called FILE takes a file; one that lists words (text|json) takes one of
# them; what any other takes nobody can guess.
set -euo pipefail
export LC_ALL=C

# One row per command, action and option: COMMAND KIND SHORT LONG VALUE DESCRIPTION, between tabs.
table() {
    local command
    "$go_id" help | parse ''
    for command in $("$go_id" help | parse '' | cut -f 4); do
        [[ $command == help ]] || "$go_id" "$command" --help | parse "$command"
    done
}

# Reads one help text: what is listed below "Commands:", "Actions:" and "Options:".
parse() {
    awk -v command="$1" '
        function flush() {
            if (kind == "") return
            sub(/(; |\. |: ).*/, "", text)
            sub(/ *\([^)]*$/, "", text)
            gsub(/[][\047"`$\\]/, "", text)
            printf "%s\t%s\t%s\t%s\t%s\t%s\n", command, kind, short, long, value, text
            kind = ""
        }
        /^(Commands|Actions|Options):$/ { section = $1; next }
        /^$/ { flush(); section = ""; next }
        section == "" { next }
        /^  [^ ]/ && section != "Options:" {
            flush(); kind = "word"; short = ""; value = ""; long = $1
            text = $0; sub(/^ +[^ ]+ +/, "", text); next
        }
        /^  -/ {
            flush(); kind = "option"; short = substr($1, 1, 2); long = $2; value = ""; text = $0
            sub(/^ +[^ ]+ +[^ ]+ ?/, "", text)
            if (text ~ /^[^ ]/) { value = text; sub(/ .*/, "", value); sub(/^[^ ]+ */, "", text) }
            sub(/^ +/, "", text); next
        }
        { line = $0; sub(/^ +/, "", line); text = text (text == "" ? "" : " ") line }
        END { flush() }'
}

bash_completion() {
    cat <<'BASH'
# shellcheck shell=bash
# Completion for go-id, made by scripts/completions.sh.

_go_id() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=''
    # To bash --config=FILE is three words.
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case "$((COMP_CWORD > 1)) ${COMP_WORDS[1]} $previous" in
BASH
    table | awk -F '\t' '
        $2 == "option" && $5 != "" {
            names = "'\''1 " $1 " " $3 "'\'' | '\''1 " $1 " " $4 "'\''"
            if ($5 == "FILE") files = files (files == "" ? "" : " | ") names
            else if ($5 ~ /\|/) {
                words = $5; gsub(/\|/, " ", words)
                printf "    %s) words='\''%s'\'' ;;\n", names, words
            } else others = others (others == "" ? "" : " | ") names
        }
        $1 == "" { commands = commands (commands == "" ? "" : " ") $4; next }
        { list[$1] = list[$1] (list[$1] == "" ? "" : " ") $4 }
        END {
            printf "    %s)\n", files
            print "        # Blanks get a backslash, folders a slash.  It fails where no completion is under way."
            print "        compopt -o filenames 2>/dev/null || true"
            print "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
            print "        return"
            print "        ;;"
            printf "    %s)\n", others
            print "        COMPREPLY=() # nobody can guess these"
            print "        return"
            print "        ;;"
            printf "    0*) words='\''%s --help --version'\'' ;;\n", commands
            for (command in list)
                printf "    '\''1 %s '\''*) words='\''%s'\'' ;;\n", command, list[command] | "sort"
            close("sort")
            sub(/ help$/, "", commands)
            printf "    '\''1 help '\''*) words='\''%s'\'' ;;\n", commands
        }'
    cat <<'BASH'
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _go_id go-id
BASH
}

zsh_completion() {
    printf '#compdef go-id\n# Completion for go-id, made by scripts/completions.sh.\n\n'
    table | awk -F '\t' '
        $1 == "" { commands = commands "        '\''" $4 ":" $6 "'\''\n"; names = names " " $4; next }
        !($1 in specs) { order[++count] = $1; specs[$1] = "" }
        $2 == "word" { words[$1] = words[$1] " " $4; next }
        {
            value = ""
            if ($5 == "FILE") value = ":file:_files"
            else if ($5 ~ /\|/) { value = $5; gsub(/\|/, " ", value); value = ":value:(" value ")" }
            else if ($5 != "") value = ":" tolower($5) ": "
            specs[$1] = specs[$1] sprintf(" \\\n            '\''(%s %s)'\''{%s%s,%s%s}'\''[%s]%s'\''", \
                $3, $4, $3, $5 == "" ? "" : "+", $4, $5 == "" ? "" : "=", $6, value)
        }
        END {
            print "_go_id() {\n    local -a commands=(\n" commands "    )"
            print "    if ((CURRENT == 2)); then"
            print "        _describe command commands"
            print "        compadd -- --help --version"
            print "        return\n    fi"
            print "    local command=$words[2]"
            print "    shift words\n    ((CURRENT--))"
            print "    case $command in"
            for (i = 1; i <= count; i++) {
                command = order[i]
                printf "    %s)\n        _arguments%s", command, specs[command]
                if (words[command] != "")
                    printf " \\\n            '\''1:action:(%s)'\''", substr(words[command], 2)
                print "\n        ;;"
            }
            sub(/ help$/, "", names)
            printf "    help) _arguments '\''1:command:(%s)'\'' ;;\n", substr(names, 2)
            print "    esac\n}\n\n_go_id \"$@\""
        }'
}

fish_completion() {
    cat <<'FISH'
# Completion for go-id, made by scripts/completions.sh.

# Whether the command is this one; without an argument, whether there is none yet.
function __go_id_is
    set -l words (commandline -opc)
    if test (count $argv) -eq 0
        test (count $words) -eq 1
    else
        test (count $words) -ge 2; and test $words[2] = $argv[1]
    end
end

complete -c go-id -f
complete -c go-id -n __go_id_is -l help -d 'print the help'
complete -c go-id -n __go_id_is -l version -d 'print the version'
FISH
    table | awk -F '\t' '
        $1 == "" {
            printf "complete -c go-id -n __go_id_is -a %s -d '\''%s'\''\n", $4, $6
            if ($4 != "help")
                printf "complete -c go-id -n '\''__go_id_is help'\'' -a %s -d '\''%s'\''\n", $4, $6
            next
        }
        { printf "complete -c go-id -n '\''__go_id_is %s'\''", $1 }
        $2 == "word" { printf " -a %s", $4 }
        $2 == "option" {
            printf " -s %s -l %s", substr($3, 2), substr($4, 3)
            words = $5
            gsub(/\|/, " ", words)
            if ($5 == "FILE") printf " -r -F"
            else if (words != $5) printf " -x -a '\''%s'\''", words
            else if ($5 != "") printf " -x"
        }
        { printf " -d '\''%s'\''\n", $6 }'
}

main() {
    (($# == 2)) || {
        echo "usage: completions.sh GO_ID bash|zsh|fish" >&2
        return 2
    }
    go_id=$1
    case $2 in
    bash | zsh | fish) "$2_completion" ;;
    *)
        echo "completions.sh: no completion for '$2', only for bash, zsh and fish" >&2
        return 2
        ;;
    esac
}

main "$@"
