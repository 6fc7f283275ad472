#!/usr/bin/env bash
# console_tests.sh BINARY [JUNIT FILE]: the console of BINARY in a real Chromium (tests/console).
# console_tests.sh --pictures BINARY: takes the pictures in docs/ instead; needs pngquant.
# Installs Playwright and axe-core from npm into out/console, once per change of the lock file.
set -euo pipefail

modules=out/console

main() {
    (($# == 1 || $# == 2)) || {
        echo "usage: console_tests.sh BINARY [JUNIT FILE] | --pictures BINARY" >&2
        return 2
    }
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
    scripts/npm_modules.sh tests/console $modules
    export GO_ID_NODE_MODULES=$PWD/$modules
    if [[ $1 == --pictures ]]; then
        GO_ID=$2 node tests/console/pictures.mjs docs
        pngquant --force --ext .png --strip 128 docs/console-*.png
        return
    fi
    GO_ID=$1 node --test \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter="$PWD/tests/console/junit_reporter.mjs" \
        --test-reporter-destination="${2:-/dev/null}" tests/console/console.test.mjs
}

main "$@"
