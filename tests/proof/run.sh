#!/usr/bin/env bash
# run.sh: searches every state of the models with spin, within the bounds given below.
#
# A search counts only if it was exhaustive, and those of a model only if every statement of it
# took part in one of them.  Each model is then broken on purpose in several ways (its BROKEN_x),
# and spin has to notice: a proof that would accept anything proves nothing.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
memory_mb=2000
depth=1000000

# MODEL BOUND=VALUE...: what is searched.
searches() {
    cat <<'END'
generator THREADS=2 TAKES=2 CAPACITY=3 SLOTS=4
generator THREADS=2 TAKES=3 CAPACITY=2 SLOTS=2
generator THREADS=3 TAKES=2 CAPACITY=1 SLOTS=2
mark WORKERS=2 LIVES=3 TICKS=4
mark WORKERS=3 LIVES=2 TICKS=3
keeper WORKERS=1 REQUESTS=3 TIME_LAST=6
keeper WORKERS=2 REQUESTS=1 TIME_LAST=4
END
}

# MODEL BROKEN_x: what spin has to refute.
refutations() {
    local model
    for model in generator mark keeper; do
        grep -oE '\bBROKEN_[A-Z_]+' "$here/$model.pml" | sort -u | sed "s/^/$model /"
    done
}

# Builds the checker of a model and runs it: sets $report to what it says.
check() {
    local model=$1 define mode=(-DSAFETY) options=() defines=()
    shift
    for define in "$@"; do
        defines+=("-D$define")
    done
    if grep -q '^ltl ' "$here/$model.pml"; then
        mode=() options=(-a)
    fi
    rm -f pan pan.*
    report=$(spin -a "${defines[@]}" "$here/$model.pml" 2>&1) && [[ -f pan.c ]] &&
        report=$(gcc -O1 "${mode[@]}" -DCOLLAPSE -DMEMLIM="$memory_mb" -o pan pan.c 2>&1) &&
        report=$(./pan "-m$depth" -w22 "${options[@]}" 2>&1)
}

# Whether the report is of a search that was complete and found nothing.
is_proof() {
    grep -q 'errors: 0$' <<<"$report" && grep -q 'states, stored' <<<"$report" &&
        ! grep -qiE 'depth too small|out of memory|memory limit|not completed|bit state' \
            <<<"$report"
}

# The statements that the search has not come to.  That processes never end is no finding.
unreached() {
    grep -oE '[a-z]+\.pml:[0-9]+, state [0-9]+, .*' <<<"$report" | grep -vF '"-end-"' || true
}

# How spin says that a property does not hold.
violation() {
    grep -oE 'assertion violated .*|acceptance cycle|invalid end state' <<<"$report" | head -n 1
}

prove() {
    local started=$SECONDS
    if ! check "$@" || ! is_proof; then
        printf 'FAILED   %s\n%s\n' "$*" "$report"
        return 1
    fi
    unreached >>missed
    printf 'proved   %s: %s states, %d s\n' "$*" \
        "$(awk '/states, stored/ { print $1 }' <<<"$report")" $((SECONDS - started))
}

refute() {
    local started=$SECONDS
    if ! check "$@" || [[ -z $(violation) ]]; then
        printf 'FAILED   %s: spin did not refute it\n%s\n' "$*" "$report"
        return 1
    fi
    printf 'refuted  %s: %s, %d s\n' "$*" "$(violation)" $((SECONDS - started))
}

# Fails if a statement was unreached as often as its model was searched.
all_reached() {
    local count statement model status=0
    while read -r count statement; do
        model=${statement%%.pml*}
        if ((count == $(searches | grep -c "^$model "))); then
            printf 'FAILED   no search came to %s\n' "$statement"
            status=1
        fi
    done < <(sort missed | uniq -c)
    return "$status"
}

main() {
    (($# == 0)) || {
        echo "usage: run.sh" >&2
        return 2
    }
    local line failed=0 started=$SECONDS
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd -- "$folder"
    while read -r -a line; do
        prove "${line[@]}" || failed=1
    done < <(searches)
    all_reached || failed=1
    while read -r -a line; do
        refute "${line[@]}" || failed=1
    done < <(refutations)
    printf 'proof: %s in %d s\n' "$( ((failed)) && echo FAILED || echo complete)" $((SECONDS - started))
    return "$failed"
}

main "$@"
