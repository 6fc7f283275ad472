#!/usr/bin/env bash
# test_package.sh BUILD_DIR: installs libsonyflake from BUILD_DIR into a temporary place and uses
# it as a stranger would: C with pkg-config, C++ with CMake's find_package, shared and static.
# Changes nothing outside a temporary directory, which it always removes.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cc=${CC:-cc}
cxx=${CXX:-c++}

# Says what is wrong, on stderr, and stops.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Shows a command, then runs it.
run() {
    printf '+ %s\n' "${*@Q}" >&2
    "$@"
}

# expect WHAT WANTED GOT
expect() {
    [[ $2 == "$3" ]] || die "$1: expected '$2', got '$3'"
    printf 'ok: %s\n' "$1"
}

install_library() {
    local component
    for component in library development; do
        run cmake --install "$build" --prefix "$prefix" --component "$component" >/dev/null
    done
    header=$prefix/include/sonyflake.h
    [[ -f $header ]] || die "the header was not installed"
    local shared
    shared=$(find "$prefix" -name libsonyflake.so)
    [[ -n $shared ]] || die "the shared library was not installed"
    libdir=${shared%/*}
}

# Functions that the header declares, found without its comments.
declared_functions() {
    sed '/^#include/d' "$header" | "$cc" -E -P -x c - | grep -oE '\bsonyflake_[a-z_]+\(' |
        tr -d '(' | sort -u
}

check_shared_object() {
    local soname exported
    soname=$(objdump -p "$libdir/libsonyflake.so" | awk '$1 == "SONAME" { print $2 }')
    expect "soname" libsonyflake.so.1 "$soname"
    exported=$(nm -D --defined-only "$libdir/libsonyflake.so" | awk '{ print $3 }' | sort)
    expect "exported symbols are the header's functions" "$(declared_functions)" "$exported"
}

check_pkg_config() {
    export PKG_CONFIG_PATH=$libdir/pkgconfig
    version=$(pkg-config --modversion sonyflake)
    answer="$version machine_id=4242"
    local flags
    # No system prefix: every flag is ours, and none holds a space.
    read -ra flags <<<"$(pkg-config --cflags --libs sonyflake)"
    local strict=(-std=c17 -Wall -Wextra -Wpedantic -Werror)

    run "$cc" "${strict[@]}" "$here/consumer/consumer.c" "${flags[@]}" -o "$temporary/c_shared"
    expect "C with pkg-config, shared" "$answer" "$(LD_LIBRARY_PATH=$libdir "$temporary/c_shared")"
    local needed
    needed=$(objdump -p "$temporary/c_shared" | grep -c 'NEEDED *libsonyflake\.so\.1$' || true)
    expect "the consumer asks for the soname" 1 "$needed"

    run "$cc" "${strict[@]}" "$here/consumer/consumer.c" -Wl,-Bstatic "${flags[@]}" \
        -Wl,-Bdynamic -o "$temporary/c_static"
    expect "C with pkg-config, static" "$answer" "$("$temporary/c_static")"
}

check_cmake_package() {
    run cmake -S "$here/consumer" -B "$temporary/cmake" -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
    run cmake --build "$temporary/cmake" >/dev/null
    expect "C++ with find_package, shared" "$answer" "$("$temporary/cmake/with_sonyflake")"
    expect "C++ with find_package, static" "$answer" "$("$temporary/cmake/with_sonyflake_static")"
}

main() {
    (($# == 1)) || die "usage: test_package.sh BUILD_DIR"
    build=$1
    [[ -f $build/cmake_install.cmake ]] || die "not a build directory: $build"

    temporary=$(mktemp -d)
    trap 'rm -rf -- "$temporary"' EXIT
    prefix=$temporary/prefix

    install_library
    check_shared_object
    check_pkg_config
    check_cmake_package
}

main "$@"
