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

# suite NAME PRESET PATH...: tests of pytest, against the daemon of that preset.  With once=--once in
# the environment, what fails is not tried again, with parallel=--parallel files of tests run beside
# each other (scripts/pytest.sh).
suite() {
    local name=$1 preset=$2
    shift 2
    GO_ID=$PWD/out/$preset/go-id scripts/pytest.sh ${once:+"$once"} ${parallel:+"$parallel"} \
        "$name-$preset" "$@"
}

# musl makes other system calls than glibc: what opens, writes, waits and looks up is run with it too.
static_suite() {
    local tests=tests/service
    scripts/build.sh static && suite service static "$tests"/test_{generate,formats,state,host_shard,metrics,access,health_command}.py
}

main() {
    rm -rf "$results"
    mkdir -p "$results"
    export PYTHONDONTWRITEBYTECODE=1

    stage "unit and package tests, as shipped" unit test
    parallel=--parallel stage "service tests, as shipped" suite service test tests/service
    stage "monitoring: a real Prometheus, rules, dashboard" suite monitoring test tests/monitoring
    stage "the API as it is described" scripts/openapi_tests.sh out/test/go-id
    stage "documents: every command and link" suite documents test tests/docs
    once=--once stage "faults: clocks, crashes, disks, clones" suite faults test tests/faults
    stage "abuse: hostile clients, scarce resources" suite abuse test tests/abuse
    stage "the console in Chromium" scripts/console_tests.sh out/test/go-id "$results/console.xml"
    stage "service tests, the static binary" static_suite
    stage "installation, packages, images" suite packaging test tests/packaging
    stage "container build: arguments, checks, failures" suite build test tests/build
    stage "cost: instructions, system calls, allocations, size" suite cost test tests/cost
    stage "our HTTP parser beside Node's" suite differential test tests/differential
    stage "behind HAProxy and nginx" suite proxies test tests/proxies
    stage "unit tests under ASan and UBSan" unit asan -L unit
    parallel=--parallel GO_ID_SLOW=1 stage "service tests under ASan and UBSan" suite service asan tests/service
    stage "unit tests under TSan" unit tsan -L unit
    GO_ID_SLOW=1 once=--once stage "service tests under TSan" suite service tsan tests/service/test_many_ids.py \
        tests/service/test_life.py tests/service/test_exhaustion.py tests/service/test_state.py
    stage "unit tests, built by clang" unit clang -L unit

    printf '\n'
    ((${#failed_stages[@]} == 0)) || printf 'failed: %s\n' "${failed_stages[@]}"
    "$python" scripts/count_results.py "$results" && ((${#failed_stages[@]} == 0))
}

main "$@"
