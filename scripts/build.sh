#!/usr/bin/env bash
# build.sh PRESET: configures (once) and builds a preset of CMakePresets.json into out/PRESET.  Says how
# long it took.
set -euo pipefail

main() {
    (($# == 1)) || {
        echo "usage: build.sh PRESET" >&2
        return 2
    }
    local preset=$1 log started=$SECONDS
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
    if [[ ! -f out/$preset/build.ninja ]]; then
        echo "configuring out/$preset"
        log=$(cmake --preset "$preset" 2>&1) || {
            printf '%s\n' "$log" >&2
            return 1
        }
    fi
    cmake --build "out/$preset"
    printf 'built out/%s in %d s\n' "$preset" $((SECONDS - started))
}

main "$@"
