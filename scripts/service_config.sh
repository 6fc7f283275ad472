#!/usr/bin/env bash
# service_config.sh GO_ID: prints the go-id.conf that is installed with the service: the sample of
# `GO_ID config --sample`, with a log file that is bounded.
set -euo pipefail

main() {
    (($# == 1)) || {
        echo "usage: service_config.sh GO_ID" >&2
        return 2
    }
    "$1" config --sample | awk '
        /^#LOG_FILE=/ { print "LOG_FILE=/var/log/go-id/service.log"; changed++; next }
        /^#LOG_FILE_MAX=/ { print "LOG_FILE_MAX=8M"; changed++; next }
        { print }
        END { exit changed != 2 }'
}

main "$@"
