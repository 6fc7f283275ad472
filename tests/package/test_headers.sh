#!/usr/bin/env bash
# test_headers.sh: every header of the tree compiles alone in C17, the public one also as C++.
# A header that needs another one before it breaks whoever sorts his includes.
set -euo pipefail
export LC_ALL=C

cc=${CC:-cc}
cxx=${CXX:-c++}
warnings=(-Wall -Wextra -Wshadow -Wconversion -Wundef -Werror)

# compiles LANGUAGE_AND_COMPILER... HEADER: the header alone, and twice, which tests its guard.
compiles() {
    local header=${!#}
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "${@:1:$#-1}" -fsyntax-only -I. -Iinclude -
}

main() {
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
    local header headers failures=0
    mapfile -t headers < <(find include lib common server cli tests -name '*.h' | sort)
    for header in "${headers[@]}"; do
        compiles "$cc" -x c -std=c17 -D_GNU_SOURCE "${warnings[@]}" "$header" ||
            { printf 'not alone: %s\n' "$header" >&2 && failures=$((failures + 1)); }
    done
    # The public header promises more: strangers' stricter flags, and C++ from 2011 on.
    warnings+=(-Wpedantic)
    compiles "$cc" -x c -std=c11 "${warnings[@]}" include/sonyflake.h || failures=$((failures + 1))
    compiles "$cxx" -x c++ -std=c++11 "${warnings[@]}" include/sonyflake.h ||
        failures=$((failures + 1))

    printf '%d headers, %d failures\n' "${#headers[@]}" "$failures"
    ((failures == 0))
}

main "$@"
