#!/usr/bin/env bash
# record_packages.sh ROOT: for mmdebstrap, which calls it when the packages are unpacked.  Writes
# ROOT/packages.tsv: a line "PACKAGE VERSION SOURCE PATH" for each file of each package, because an
# unpacked tree no longer knows which file came from where.
set -euo pipefail
export LC_ALL=C

main() {
    # shellcheck disable=SC2016 # for dpkg-deb, not for the shell
    local format='${Package}\t${Version}\t${source:Package}=${source:Version}'
    local root=$1 deb fields package version source
    for deb in "$root"/var/cache/apt/archives/*.deb; do
        fields=$(dpkg-deb --show --showformat "$format" "$deb")
        IFS=$'\t' read -r package version source <<<"$fields"
        dpkg-deb --fsys-tarfile "$deb" | tar -t |
            awk -v p="$package" -v v="$version" -v s="$source" \
                '{ sub(/^\.\//, ""); if ($0 != "" && $0 !~ /\/$/) print p "\t" v "\t" s "\t" $0 }'
    done >"$root/packages.tsv"
}

main "$@"
