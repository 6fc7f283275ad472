#!/usr/bin/env bash
# coverage.sh: which lines of the library and of the HTTP parser the unit tests and the replays of
# the fuzz seeds run; at least 95 % of each, or it fails.  Every branch that they do not take is
# printed, and has to be in docs/coverage.md with a reason.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
readonly minimum=95

# CMake tries the compiler with a program of its own, whose source is gone: not looked at.
collect() {
    gcovr --root . --object-directory out/coverage --exclude-directories '.*/CompilerIdC' "$@"
}

# report FILTER: per file, lines; fails below the minimum.
report() {
    collect --filter "$1" --fail-under-line "$minimum"
}

main() {
    local status=0 started=$SECONDS
    echo "building out/coverage"
    scripts/build.sh coverage | tail -n 1
    find out/coverage -name '*.gcda' -delete
    echo "running the unit tests"
    ctest --test-dir out/coverage -L unit -j 2 --no-tests=error --output-on-failure >/dev/null
    report 'lib/' || status=1
    report 'server/http/' || status=1
    collect --filter 'lib/' --filter 'server/http/' --json out/coverage.json
    /usr/bin/python3 scripts/untaken_branches.py out/coverage.json docs/coverage.md || status=1
    printf 'coverage: %s in %d s\n' "$( ((status)) && echo FAILED || echo 'as it should be')" \
        $((SECONDS - started))
    return "$status"
}

main "$@"
