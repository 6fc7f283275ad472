#!/usr/bin/env bash
# sanitizers.sh: unit tests and the whole service suite, once under AddressSanitizer and
# UndefinedBehaviorSanitizer and once under ThreadSanitizer.  `make test` runs all of the first and
# the parts of the second in which threads meet; this runs everything.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

main() {
    local preset started
    for preset in asan tsan; do
        started=$SECONDS
        printf '\n== %s\n' "$preset"
        scripts/build.sh "$preset"
        ctest --test-dir "out/$preset" --output-on-failure -j 2 --no-tests=error -L unit
        GO_ID=$PWD/out/$preset/go-id GO_ID_SLOW=1 scripts/pytest.sh --once "sanitizers-$preset" tests/service
        printf -- '-- %s: done in %d s\n' "$preset" $((SECONDS - started))
    done
}

main "$@"
