#!/usr/bin/env bash
# packages.sh FOLDER: fetches the Debian packages of packages.txt, with what they depend on, and unpacks
# them.  Needs root and mmdebstrap.
#
#   APT_SOURCES=FILE   where the packages come from (default: the host's sources if it is the
#                      same Debian, else mmdebstrap's choice)
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
suite=bookworm

apt_sources() {
    if [[ -n ${APT_SOURCES-} ]]; then
        printf '%s\n' "$APT_SOURCES"
    elif grep -qs "^VERSION_CODENAME=$suite$" /etc/os-release; then
        find /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources -size +0 2>/dev/null || true
    fi
}

main() {
    (($# == 1)) || {
        echo "usage: packages.sh FOLDER" >&2
        return 2
    }
    local packages sources
    packages=$(sed 's/#.*//' "$here/packages.txt" | xargs | tr ' ' ',')
    mapfile -t sources < <(apt_sources)
    mmdebstrap --quiet --mode=root --variant=extract --format=directory --include="$packages" \
        --setup-hook=/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh \
        --extract-hook="$here/record_packages.sh" "$suite" "$1" "${sources[@]}"
}

main "$@"
