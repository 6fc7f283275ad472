#!/usr/bin/env bash
# memcheck.sh [CTEST OPTION...]: the unit tests under valgrind: no invalid access, no undefined value
# that decides something, no leak.  Takes the build that ships (out/test), which no sanitizer does.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# fuzz_*: replays under ASan, and here they would take as long as all others together.
main() {
    scripts/build.sh test | tail -n 1
    GO_ID_UNDER="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible --child-silent-after-fork=yes --suppressions=$PWD/tests/valgrind.supp" \
        ctest --test-dir out/test --output-on-failure -j 2 --no-tests=error -L unit -E '^fuzz_' "$@"
}

main "$@"
