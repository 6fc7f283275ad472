#!/usr/bin/env bash
# fuzz.sh: runs the fuzz targets of tests/fuzz, or says how much of the code they reach.
#
#   fuzz.sh [--seconds N] [--engine libfuzzer|afl] [TARGET...]   default: 60 s of libFuzzer each
#   fuzz.sh --coverage                                           lines and branches, by gcov
#   fuzz.sh --ledger                                             sums of all runs, for docs/security.md
#
# What the engines find worth keeping grows in out/fuzz-corpus/; every run adds a line to
# out/fuzz-ledger.tsv.  An input that breaks something is left in out/fuzz-findings/: repair the
# code, and put the input into tests/fuzz/regressions/TARGET/ under a name that says what it was.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
corpus=out/fuzz-corpus
findings=out/fuzz-findings
ledger=out/fuzz-ledger.tsv

usage() {
    sed -n '2,/^set/ { /^set/d; s/^# \{0,1\}//; p }' "${BASH_SOURCE[0]}"
}

all_targets() {
    sed -n 's/^fuzz_target(\([a-z]*\).*/\1/p' tests/fuzz/CMakeLists.txt
}

# The longest input worth trying: a head that is too long is 8 KiB, a large body some 70.
max_len_of() {
    case $1 in
    head) echo 9000 ;;
    body) echo 20000 ;;
    state) echo 1200 ;;
    sntp) echo 120 ;;
    proxy) echo 400 ;;
    texts) echo 300 ;;
    *) echo 4096 ;;
    esac
}

dictionary_of() {
    case $1 in
    head | body | connection | pipeline) echo tests/fuzz/http.dict ;;
    *) echo tests/fuzz/text.dict ;;
    esac
}

# Adds a run to the ledger and to what is printed.
record() {
    local engine=$1 target=$2 seconds=$3 executions=$4 found=$5
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%FT%TZ)" "$engine" "$target" "$seconds" \
        "$executions" "$found" >>"$ledger"
    printf '%-10s  %-10s  %6d s  %12d executions  %d findings\n' "$engine" "$target" "$seconds" \
        "$executions" "$found"
}

# The seeds and regressions of a target, as far as there are any.
kept_inputs() {
    local folder
    for folder in "tests/fuzz/seeds/$1" "tests/fuzz/regressions/$1"; do
        [[ ! -d $folder ]] || echo "$folder"
    done
}

run_libfuzzer() {
    local target=$1 seconds=$2 log=out/fuzz-$1.log started=$SECONDS status=0 executions kept
    mkdir -p "$corpus/$target" "$findings"
    mapfile -t kept < <(kept_inputs "$target")
    "out/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 \
        -max_len="$(max_len_of "$target")" -dict="$(dictionary_of "$target")" -timeout=20 \
        -artifact_prefix="$findings/$target-" "$corpus/$target" "${kept[@]}" \
        >"$log" 2>&1 || status=1
    executions=$(awk '/number_of_executed_units/ { print $2 }' "$log")
    record libfuzzer "$target" $((SECONDS - started)) "${executions:-0}" "$status"
    ((status == 0)) || {
        grep -E 'BUG|ERROR|runtime error|Test unit' "$log" || tail -n 20 "$log"
        return 1
    } >&2
}

# AFL++ wants one folder of inputs: what is kept, and what libFuzzer found.
run_afl() {
    local target=$1 seconds=$2 log=out/fuzz-$1.log started=$SECONDS kept executions found
    local input=out/fuzz-afl-input/$1 output=out/fuzz-afl-output/$1
    mkdir -p "$input" "$output" "$corpus/$target"
    mapfile -t kept < <(kept_inputs "$target")
    rm -rf "$output/default"
    find "${kept[@]}" "$corpus/$target" -type f -size -5k -exec cp -t "$input" {} +
    AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
        afl-fuzz -V "$seconds" -t 5000 -x "$(dictionary_of "$target")" -i "$input" -o "$output" \
        -- "out/fuzz-afl/tests/fuzz/fuzz_$target" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        return 1
    }
    executions=$(awk '/^execs_done/ { print $3 }' "$output/default/fuzzer_stats")
    found=$(find "$output/default/crashes" "$output/default/hangs" -name 'id:*' | wc -l)
    record afl "$target" $((SECONDS - started)) "$executions" "$found"
    ((found == 0)) || {
        echo "see $output/default/crashes and hangs" >&2
        return 1
    }
}

# Plays everything that is known through an ordinary build that counts lines.
coverage() {
    local target kept
    scripts/build.sh coverage >/dev/null
    find out/coverage -name '*.gcda' -delete
    for target in $(all_targets); do
        mapfile -t kept < <(kept_inputs "$target")
        [[ ! -d $corpus/$target ]] || kept+=("$corpus/$target")
        "out/coverage/tests/fuzz/fuzz_$target" --whole "${kept[@]}" >/dev/null 2>&1
    done
    gcovr --root . --object-directory out/coverage --exclude-directories '.*/CompilerIdC' \
        --filter 'server/(http|connection)/' --filter 'server/settings/' --filter 'server/store/state_record' \
        --filter 'server/clock/ntp_packet' --filter 'common/' --filter 'server/api/'
}

# The ledger, summed up by target, as the table of docs/security.md.
sums() {
    awk -F '\t' '
        { runs[$3 SUBSEP $2] += $5; minutes[$3] += $4 / 60; found[$3] += $6; names[$3]; all += $5 }
        END {
            print "| target | libFuzzer | AFL++ | minutes | findings |\n|---|---|---|---|---|"
            for (name in names)
                printf "| %s | %d | %d | %.0f | %d |\n", name, runs[name, "libfuzzer"], \
                    runs[name, "afl"], minutes[name], found[name] | "sort"
            close("sort")
            printf "\n%d executions\n", all
        }' "$ledger"
}

main() {
    local engine=libfuzzer seconds=60 status=0 target targets=()
    while (($# > 0)); do
        case $1 in
        --engine) engine=${2:?--engine needs libfuzzer or afl} && shift ;;
        --seconds) seconds=${2:?--seconds needs a number} && shift ;;
        --coverage) engine=coverage ;;
        --ledger) sums && return ;;
        -h | --help) usage && return ;;
        -*) echo "fuzz.sh: no such option: $1" >&2 && return 2 ;;
        *) targets+=("$1") ;;
        esac
        shift
    done
    for target in "${targets[@]}"; do
        all_targets | grep -qx "$target" || {
            echo "fuzz.sh: no such target: $target; there are: $(all_targets | paste -sd ' ')" >&2
            return 2
        }
    done
    ((${#targets[@]} > 0)) || mapfile -t targets < <(all_targets)

    case $engine in
    libfuzzer) scripts/build.sh fuzz | tail -n 1 ;;
    afl) AFL_QUIET=1 scripts/build.sh fuzz-afl | tail -n 1 ;;
    coverage) coverage && return ;;
    *) echo "fuzz.sh: no such engine: $engine; there are libfuzzer and afl" >&2 && return 2 ;;
    esac
    printf '%s: %d targets, %d s each: %s\n' "$engine" "${#targets[@]}" "$seconds" "${targets[*]}"
    for target in "${targets[@]}"; do
        "run_$engine" "$target" "$seconds" || status=1
    done
    awk -F '\t' '{ sum += $5 } END { printf "%d executions in %s\n", sum, FILENAME }' "$ledger"
    return "$status"
}

main "$@"
