#!/usr/bin/env bash
# build.sh PRESET: configures and builds a preset of CMakePresets.json into out/PRESET.  Says how long it took.
#
# It configures the first time, and when the presets have changed since, of which CMake's own check does not know.
set -euo pipefail

main() {
    (($# == 1)) || {
        echo "usage: build.sh PRESET" >&2
        return 2
    }
    local preset=$1 log started=$SECONDS
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
    if [[ ! out/$preset/configured -nt CMakePresets.json ]]; then
        echo "configuring out/$preset"
        log=$(cmake --fresh --preset "$preset" 2>&1) || {
            printf '%s\n' "$log" >&2
            return 1
        }
        touch "out/$preset/configured"
    fi
    cmake --build "out/$preset"
    printf 'built out/%s in %d s\n' "$preset" $((SECONDS - started))
}

main "$@"
