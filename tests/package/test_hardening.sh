#!/usr/bin/env bash
# test_hardening.sh BINARY: whether the compiler and the linker have done what makes a flaw harder to
# use.  The code is always compiled for CET; whether the binary may say so is up to libc, too: where it
# has none this says so.
set -euo pipefail
export LC_ALL=C

failed=0

expect() {
    local what=$1
    shift
    if "$@"; then
        printf 'ok      %s\n' "$what"
    else
        printf 'FAILED  %s\n' "$what"
        failed=1
    fi
}

# has TEXT PATTERN: whether a line of the text matches.
has() {
    grep -Eq -- "$2" <<<"$1"
}

has_not() {
    ! has "$@"
}

# first_instruction BINARY FUNCTION
first_instruction() {
    objdump -d --no-show-raw-insn --disassemble="$2" "$1" | sed -n "/<$2>:/{n;p;q}"
}

main() {
    (($# == 1)) || {
        echo "usage: test_hardening.sh BINARY" >&2
        return 2
    }
    local binary=$1 headers dynamic symbols notes start
    headers=$(readelf -Wl "$binary")
    dynamic=$(readelf -Wd "$binary")
    symbols=$(readelf -W --dyn-syms "$binary")
    notes=$(readelf -Wn "$binary")

    expect 'position-independent executable' has "$dynamic" 'Flags:.* PIE'
    expect 'read-only relocations (RELRO)' has "$headers" '^ *GNU_RELRO '
    expect 'all bound at start (BIND_NOW)' has "$dynamic" 'Flags:.* NOW'
    expect 'no executable stack' has "$headers" '^ *GNU_STACK .* RW +0x'
    expect 'no segment both writable and executable' has_not "$headers" '^ *LOAD .* RWE '
    expect 'stack protector' has "$symbols" '__stack_chk_fail'
    expect 'fortified functions' has "$symbols" '__(read|snprintf|vsnprintf|memcpy)_chk'
    expect 'no library but libc' has_not "$(grep NEEDED <<<"$dynamic" | grep -v 'libc\.so')" 'NEEDED'

    case $(uname -m) in
        x86_64) expect 'compiled for control-flow enforcement (CET)' has "$(first_instruction "$binary" main)" 'endbr64' ;;
        aarch64) expect 'compiled for BTI and PAC' has "$(first_instruction "$binary" main)" 'paciasp|bti' ;;
        *) echo "skipped control-flow enforcement: not known for $(uname -m)" ;;
    esac

    start=$("${CC:-cc}" -print-file-name=Scrt1.o)
    if has "$(readelf -Wn "$start" 2>/dev/null)" 'IBT'; then
        expect 'marked for control-flow enforcement (CET)' has "$notes" 'IBT, SHSTK'
    else
        echo "skipped the mark for control-flow enforcement (CET): the start files of this libc have none"
    fi
    return "$failed"
}

main "$@"
