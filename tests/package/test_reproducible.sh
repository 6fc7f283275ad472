#!/usr/bin/env bash
# test_reproducible.sh: the same sources, built in two folders, are the same bytes.
set -euo pipefail
export LC_ALL=C

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# build FOLDER: copies the sources there and makes a release, as scripts/build.sh does.
build() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$1"
    (cd "$1" && cmake --preset release >/dev/null && cmake --build out/release >/dev/null)
}

main() {
    local one=$work/one two=$work/two/with/a/longer/name file status=0
    build "$one"
    build "$two"
    for file in go-id lib/libsonyflake.a lib/libsonyflake.so; do
        if cmp "$one/out/release/$file" "$two/out/release/$file"; then
            printf 'ok      %s\n' "$file"
        else
            status=1
        fi
    done
    return "$status"
}

main "$@"
