#!/usr/bin/env bash
# licences.sh UNPACKED ROOTFS: gives ROOTFS the copyright file of every Debian package that a file
# of it came from, the licence texts that those refer to, and a list of packages and sources.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# Prints "PACKAGE VERSION SOURCE" of the packages with a file in ROOTFS.  Packages from before the
# merge of /bin, /lib and /sbin into /usr still name these.
packages_in() {
    local unpacked=$1 rootfs=$2
    awk -F '\t' 'NR == FNR { kept[$0] = 1; next }
        { path = $4; if (path ~ /^(bin|sbin|lib|lib64)\//) path = "usr/" path }
        path in kept && !(($1) in done) { done[$1] = 1; print $1 "\t" $2 "\t" $3 }' \
        <(cd -- "$rootfs" && find . ! -type d -printf '%P\n') "$unpacked/packages.tsv" | sort
}

main() {
    (($# == 2)) || {
        echo "usage: licences.sh UNPACKED ROOTFS" >&2
        return 2
    }
    local unpacked=$1 rootfs=$2 doc=$2/usr/share/doc package rest text
    install -d "$doc/go-id" "$rootfs/usr/share/common-licenses"
    packages_in "$unpacked" "$rootfs" >"$doc/go-id/packages.tsv"
    # Busybox is linked statically: the C library is in it.
    while IFS=$'\t' read -r package rest; do
        install -D -m 644 "$unpacked/usr/share/doc/$package/copyright" "$doc/$package/copyright"
    done <"$doc/go-id/packages.tsv"
    [[ -s $doc/libc6/copyright && -s $doc/busybox-static/copyright ]] || {
        echo "licences.sh: the licences of libc6 and busybox-static are missing" >&2
        return 1
    }
    grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]' "$doc" | sort -u |
        while read -r text; do
            [[ ! -e $unpacked$text ]] || install -m 644 "$unpacked$text" "$rootfs$text"
        done
    install -m 644 "$here/../LICENSE" "$doc/go-id/copyright"
    install -m 644 "$here/sources.txt" "$doc/go-id/sources.txt"
}

main "$@"
