#!/usr/bin/env bash
# pytest.sh [--once] [--parallel] NAME [PYTEST OPTION...] PATH...: runs tests of pytest; their results
# become out/test-results/NAME.xml.  Tests that fail are run once more, alone (NAME.again.xml): a test of a
# program with threads, on a machine that is busy with something else, fails now and then for a
# reason of its own.  It is not forgotten: its first failure stays on the screen, and
# scripts/count_results.py names it and bounds how many there may be.  With --once there is no
# second try: for tests of promises, where one failure in a thousand runs is what they are there to find.
# With --parallel files of tests run beside each other, more than there are CPUs since most of them wait.
set -uo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
export PYTHONDONTWRITEBYTECODE=1
some_failed=1 # pytest's exit status for just that; others mean that it could not run

main() {
    local tries=2 name status=0 results=$PWD/out/test-results
    local parallel=()
    if [[ ${1-} == --once ]]; then
        tries=1
        shift
    fi
    if [[ ${1-} == --parallel ]]; then
        parallel=(-n 3 --dist loadfile)
        shift
    fi
    (($# >= 2)) || {
        echo "usage: pytest.sh [--once] [--parallel] NAME [PYTEST OPTION...] PATH..." >&2
        return 2
    }
    name=$1
    shift
    mkdir -p "$results"
    rm -f "$results/$name.xml" "$results/$name.again.xml"
    # Debian's python3 is the one that Debian's pytest belongs to.
    set -- /usr/bin/python3 -m pytest -q -ra -o cache_dir="$PWD/out/pytest-cache/$name" "$@"
    "$@" "${parallel[@]}" --cache-clear --junitxml="$results/$name.xml" || status=$?
    if ((status == some_failed && tries > 1)); then
        printf -- '-- %s: what failed is run again, alone\n' "$name"
        status=0
        "$@" --last-failed --last-failed-no-failures none --junitxml="$results/$name.again.xml" || status=$?
    fi
    return "$status"
}

main "$@"
