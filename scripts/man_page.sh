#!/usr/bin/env bash
# man_page.sh GO_ID VERSION: prints go-id(1) as roff, made from what `GO_ID help` and
# `GO_ID COMMAND --help` say, so that there is nothing to keep up to date.
set -euo pipefail
export LC_ALL=C

# Text as it stands: no hyphenation, no request at the beginning of a line, no escape.
verbatim() {
    printf '.nf\n'
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/'/\\\\(aq/g" -e 's/^\./\\\&./'
    printf '.fi\n'
}

commands() {
    "$go_id" help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

main() {
    (($# == 2)) || {
        echo "usage: man_page.sh GO_ID VERSION" >&2
        return 2
    }
    go_id=$1
    local command
    cat <<ROFF
.TH GO\-ID 1 "" "go\-id $2" "User Commands"
.SH NAME
go\-id \- unique, sortable 64\-bit ids over HTTP
.SH SYNOPSIS
.B go\-id
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
ROFF
    "$go_id" help | verbatim
    for command in $(commands); do
        [[ $command != help ]] || continue
        printf '.SH "GO\\-ID %s"\n' "${command^^}"
        "$go_id" "$command" --help | verbatim
    done
    cat <<'ROFF'
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
.BR systemctl (1),
.BR journalctl (1)
ROFF
}

main "$@"
