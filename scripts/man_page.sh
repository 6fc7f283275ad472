#!/usr/bin/env bash
# man_page.sh PAGE VERSION SOURCE: prints a manual page as roff, made from what there is already, so that
# there is nothing to keep up to date:
#   go-id.1, go-id.conf.5   SOURCE is the binary: what its --help says of commands, options, settings
#   sonyflake.3             SOURCE is sonyflake.h: its comments and declarations
set -euo pipefail
export LC_ALL=C

# What --help prints, as roff that fills lines of any width: an item of a list hangs, whether its text begins behind
# it or in the next line, and an empty line begins a paragraph.
help_text() {
    awk '
        function roff(line) {
            gsub(/\\/, "\\e", line); gsub(/-/, "\\-", line); gsub(/\047/, "\\(aq", line)
            if (line ~ /^[.]/) line = "\\&" line
            return line
        }
        /^$/ { print ".PP"; next }
        /^  [^ ]/ {
            sub(/^  /, "")
            if (!match($0, /^-[a-z], --[a-z-]+( [^ ]+)?( |$)/) && !match($0, /^[a-z-]+  /)) RLENGTH = length($0)
            name = substr($0, 1, RLENGTH); text = substr($0, RLENGTH + 1)
            sub(/ +$/, "", name); sub(/^ +/, "", text)
            print ".TP\n\\fB" roff(name) "\\fP"
            if (text != "") print roff(text)
            next
        }
        /^ +Takes / { print ".br" }
        { sub(/^ +/, ""); print roff($0) }'
}

commands() {
    "$1" help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

go_id_1() {
    local version=$1 go_id=$2 command
    cat <<ROFF
.TH GO\-ID 1 "" "go\-id $version" "User Commands"
.SH NAME
go\-id \- unique, sortable 64\-bit ids over HTTP
.SH SYNOPSIS
.B go\-id
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
ROFF
    "$go_id" help | help_text
    for command in $(commands "$go_id"); do
        [[ $command != help ]] || continue
        printf '.SH "GO\\-ID %s"\n' "${command^^}"
        "$go_id" "$command" --help | help_text
    done
    cat <<'ROFF'
.SH ENVIRONMENT
The settings of
.BR go\-id.conf (5),
which the environment overrides.
.TP
.B GO_ID_URL
which service
.B go\-id generate
asks
.TP
.B GO_ID_TOKEN
the token that
.B go\-id generate
and
.B go\-id health
show
.SH FILES
.TP
.I /etc/go\-id/go\-id.conf
settings of the service, where it was installed as one
.TP
.I /var/lib/go\-id
what makes ids unique across crashes; never copy, restore or delete it while ids are in use
.TP
.I /var/log/go\-id/service.log
the service's log, and the one before it as service.log.1
.SH SEE ALSO
.BR go\-id.conf (5),
.BR sonyflake (3),
.BR systemctl (1),
.BR journalctl (1)
ROFF
}

go_id_conf_5() {
    local version=$1 go_id=$2
    cat <<ROFF
.TH GO\-ID.CONF 5 "" "go\-id $version" "File Formats"
.SH NAME
go\-id.conf \- settings of go\-id
.SH SYNOPSIS
.I /etc/go\-id/go\-id.conf
.br
.B go\-id serve \-\-config
.I FILE
.SH DESCRIPTION
A line is
.IR KEY = value ,
is empty, or is a comment that begins with #.
What is accepted means the same to go\-id, to
.BR systemd (1)
as an EnvironmentFile and to a shell: no blank around =, quotes around a value with other characters than
letters, digits and . / : , @ % + \- [ ], and never $, \` or a backslash.
A comment has a line of its own; no setting comes twice.
.PP
There is no default file.
A variable of the same name in the environment overrides the file.
A value that makes no sense never becomes a default: go\-id reports every problem with its place and does
not start.
.B go\-id config
prints the settings in force and where each comes from,
.B go\-id config \-\-sample
a commented file to begin with.
.SH SETTINGS
ROFF
    "$go_id" serve --help | awk '
        /^Settings,/ { on = 1; next }
        /^$/ { on = 0 }
        on && /^  [A-Z]/ {
            name = $1; rest = $0
            sub(/^ +[A-Z_]+ /, "", rest)
            print ".TP\n.BR " name " \" " rest "\""
            next
        }
        on && /^ +Takes / { print ".br" }
        on { sub(/^ +/, ""); print }' |
        sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/'/\\\\(aq/g" -e 's/^\.\([^TB]\)/\\\&.\1/' \
            -e 's/^\\&\.br$/.br/'
    cat <<'ROFF'
.SH SEE ALSO
.BR go\-id (1),
.BR systemd.exec (5)
ROFF
}

sonyflake_3() {
    local version=$1 header=$2
    cat <<ROFF
.TH SONYFLAKE 3 "" "libsonyflake $version" "Library Functions"
.SH NAME
sonyflake \- ids of 63 bits from a time, a sequence and a machine id
.SH SYNOPSIS
.nf
.B #include <sonyflake.h>
.PP
ROFF
    header_part synopsis "$header"
    # shellcheck disable=SC2016 # it is for the reader's shell
    printf '.PP\ncc \\fIFILE\\fP.c $(pkg\\-config \\-\\-cflags \\-\\-libs sonyflake)\n.fi\n'
    printf '.SH DESCRIPTION\n'
    header_part description "$header"
    printf '.SH TYPES\n'
    header_part types "$header"
    printf '.SH FUNCTIONS\n'
    header_part functions "$header"
    printf '.SH ERRORS\n'
    header_part errors "$header"
    cat <<'ROFF'
.SH SEE ALSO
.BR go\-id (1),
.BR pkg\-config (1)
ROFF
}

# header_part PART HEADER: what PART is made from, in the order of the header.
header_part() {
    awk -v part="$1" -v WIDTH=73 ' # 80 columns, of which a page leaves 7 free
        function roff(line) {
            gsub(/\\/, "\\e", line); gsub(/-/, "\\-", line); gsub(/\047/, "\\(aq", line)
            if (line ~ /^[.]/) line = "\\&" line
            return line
        }
        # A declaration, broken before the name and behind commas where it is too long for a terminal.
        function wrapped(line,    out) {
            sub(/^ /, "", line)
            if (length(line) > WIDTH && match(line, / sonyflake_[a-z_]+\(/)) {
                out = substr(line, 1, RSTART - 1) "\n"
                line = substr(line, RSTART + 1)
            }
            while (length(line) > WIDTH && match(substr(line, 5, WIDTH - 4), /.*, /)) {
                RLENGTH += 4
                out = out substr(line, 1, RLENGTH - 1) "\n"
                line = "    " substr(line, RLENGTH + 1)
            }
            return roff(out line) "\n"
        }
        # A member, below its comment where both are too long for a line.
        function member(line,    code) {
            code = line
            if (length(line) > WIDTH && sub(/ *\/\*.*/, "", code)) {
                sub(/^.*\/\*/, "    /*", line)
                line = line "\n" code
            }
            return roff(line) "\n"
        }
        # A comment: an empty line begins a paragraph, a word before a gap an item of a list.
        function print_comment(    i, line) {
            for (i = 1; i <= comment_len; i++) {
                line = comment[i]
                if (line == "") { if (comment[i + 1] !~ /^[A-Z][a-z]+  /) print ".PP" }
                else if (line ~ /^[A-Z][a-z]+   +/) {
                    match(line, /^[A-Z][a-z]+/)
                    print ".TP\n.B " substr(line, 1, RLENGTH)
                    sub(/^[A-Z][a-z]+ +/, "", line); print roff(line)
                } else { sub(/^ +/, "", line); print roff(line) }
            }
        }
        /^\/\* ----/ { comment_len = 0; next }
        /^\/\*/ { comment_len = 0; in_comment = 1 }
        in_comment {
            line = $0
            sub(/^ ?\/?\*+ ?/, "", line); ends = sub(/ *\*\/.*$/, "", line)
            if (line != "/" && !(line == "" && (comment_len == 0 || ends || $0 ~ /\*\/$/)))
                comment[++comment_len] = line
            if ($0 ~ /\*\//) {
                in_comment = 0
                if (!described++ && part == "description") print_comment()
            }
            next
        }
        /^(struct|enum) [a-z_]+ \{/ { in_type = 1; type = $2; kind = $1; body = "" }
        in_type {
            body = body member($0)
            if (part == "errors" && match($0, /SONYFLAKE_(OK|ERR_[A-Z_]+)/)) {
                print ".TP\n.B " substr($0, RSTART, RLENGTH)
                text = $0
                if (sub(/^.*\/\* /, "", text)) { sub(/ *\*\/.*$/, "", text); print roff(text) }
                else print "success"
            }
            if (/^\};/) {
                in_type = 0
                if (part == "types") {
                    print ".SS " kind " " type
                    print_comment()
                    printf ".PP\n.nf\n%s.fi\n", body
                }
                comment_len = 0
            }
            next
        }
        /^SONYFLAKE_API/ { in_function = 1; declaration = "" }
        in_function {
            line = $0
            sub(/^SONYFLAKE_API /, "", line); sub(/^SONYFLAKE_NODISCARD /, "", line); sub(/^ +/, "", line)
            declaration = declaration " " line
            if (/;$/) {
                in_function = 0
                match(declaration, /sonyflake_[a-z_]+\(/)
                name = substr(declaration, RSTART, RLENGTH - 1)
                declaration = wrapped(declaration)
                if (part == "synopsis") printf "%s", declaration
                if (part == "functions") {
                    print ".SS " name "()"
                    printf ".nf\n%s.fi\n.PP\n", declaration
                    print_comment()
                }
                comment_len = 0
            }
        }' "$2"
}

main() {
    (($# == 3)) || {
        echo "usage: man_page.sh go-id.1|go-id.conf.5|sonyflake.3 VERSION SOURCE" >&2
        return 2
    }
    case $1 in
    go-id.1) go_id_1 "$2" "$3" ;;
    go-id.conf.5) go_id_conf_5 "$2" "$3" ;;
    sonyflake.3) sonyflake_3 "$2" "$3" ;;
    *)
        echo "man_page.sh: no page '$1'; there are go-id.1, go-id.conf.5 and sonyflake.3" >&2
        return 2
        ;;
    esac
}

main "$@"
