#!/usr/bin/env bash
# test.sh: builds and runs every test: unit and package tests with ctest, all the others with pytest but for the
# console, which is tested in a browser; as shipped, under AddressSanitizer and
# UndefinedBehaviorSanitizer, under ThreadSanitizer, and with the other compiler.  Ends with
# "N passed, N failed, N skipped".
set -uo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
results=$PWD/out/test-results
python=/usr/bin/python3 # Debian's: the one that Debian's pytest belongs to
failed_stages=()

# The sanitizers end the program at the first finding, with a report on stderr.
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

# stage NAME COMMAND...: runs a part of the whole and says how long it took.
stage() {
    local name=$1 started=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then
        printf -- '-- %s: done in %d s\n' "$name" $((SECONDS - started))
    else
        failed_stages+=("$name")
        printf -- '-- %s: FAILED after %d s\n' "$name" $((SECONDS - started))
    fi
}

# unit PRESET [CTEST OPTION...]
unit() {
    local preset=$1
    shift
    scripts/build.sh "$preset" && ctest --test-dir "out/$preset" --output-on-failure -j 2 \
        --no-tests=error --output-junit "$results/unit-$preset.xml" "$@"
}

# service PRESET [PYTEST OPTION...]
service() {
    local preset=$1
    shift
    GO_ID=$PWD/out/$preset/go-id "$python" -m pytest -q -p no:cacheprovider -rs \
        --junitxml="$results/service-$preset.xml" "$@"
}

# documents PRESET: README and docs/, against the daemon of that preset.
documents() {
    GO_ID=$PWD/out/$1/go-id "$python" -m pytest -q -p no:cacheprovider -rs \
        --junitxml="$results/documents-$1.xml" tests/docs
}

# faults PRESET: the short suite; `make faults` runs the long one.
faults() {
    GO_ID=$PWD/out/$1/go-id "$python" -m pytest -q --junitxml="$results/faults-$1.xml" tests/faults
}

# monitoring PRESET: the rules, the dashboard and the figures, with a real Prometheus.
monitoring() {
    GO_ID=$PWD/out/$1/go-id "$python" -m pytest -q --junitxml="$results/monitoring-$1.xml" \
        tests/monitoring
}

# openapi PRESET: docs/openapi.yaml, every example of it.
openapi() {
    scripts/openapi_tests.sh "out/$1/go-id" --junitxml="$results/openapi-$1.xml"
}

# packaging PRESET: installs that build, and builds and installs the Debian packages.
packaging() {
    GO_ID=$PWD/out/$1/go-id "$python" -m pytest -q --junitxml="$results/packaging-$1.xml" \
        tests/packaging
}

# cost PRESET: instructions, system calls, allocations, size.
cost() {
    GO_ID=$PWD/out/$1/go-id "$python" -m pytest -q --junitxml="$results/cost-$1.xml" tests/cost
}

main() {
    rm -rf "$results"
    mkdir -p "$results"
    export PYTHONDONTWRITEBYTECODE=1

    stage "unit and package tests, as shipped" unit test
    stage "service tests, as shipped" service test tests/service
    stage "monitoring: a real Prometheus, rules, dashboard" monitoring test
    stage "the API as it is described" openapi test
    stage "documents: every command and link" documents test
    stage "faults: clocks, crashes, disks, clones" faults test
    stage "the console in Chromium" scripts/console_tests.sh out/test/go-id "$results/console.xml"
    stage "installation and Debian packages" packaging test
    stage "cost: instructions, system calls, allocations, size" cost test
    stage "unit tests under ASan and UBSan" unit asan -L unit
    GO_ID_SLOW=1 stage "service tests under ASan and UBSan" service asan tests/service
    stage "unit tests under TSan" unit tsan -L unit
    GO_ID_SLOW=1 stage "service tests under TSan" service tsan tests/service/test_many_ids.py \
        tests/service/test_life.py tests/service/test_exhaustion.py tests/service/test_state.py
    stage "unit tests, built by clang" unit clang -L unit

    printf '\n'
    ((${#failed_stages[@]} == 0)) || printf 'failed: %s\n' "${failed_stages[@]}"
    "$python" scripts/count_results.py "$results" && ((${#failed_stages[@]} == 0))
}

main "$@"
