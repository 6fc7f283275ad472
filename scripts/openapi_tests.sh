#!/usr/bin/env bash
# openapi_tests.sh BINARY [PYTEST OPTION...]: docs/openapi.yaml against Redocly CLI and against BINARY
# (tests/openapi).  Installs Redocly from npm into out/redocly, once per change of the lock file.
set -euo pipefail

modules=out/redocly

main() {
    (($# >= 1)) || {
        echo "usage: openapi_tests.sh BINARY [PYTEST OPTION...]" >&2
        return 2
    }
    local binary=$1
    shift
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
    scripts/npm_modules.sh tests/openapi $modules
    GO_ID=$PWD/$binary REDOCLY=$PWD/$modules/node_modules/.bin/redocly \
        scripts/pytest.sh openapi "$@" tests/openapi
}

main "$@"
