#!/usr/bin/env bash
# image.sh ROOTFS OUT.tar.xz: packs a root made by rootfs.sh as an image that LXD and Incus import.
# A function of ROOTFS and nothing else: the same root gives the same bytes.
set -euo pipefail
export LC_ALL=C

metadata() {
    local rootfs=$1 created=$2 version
    version=$(chroot "$rootfs" go-id version) # which shows that it runs there, too
    cat <<EOF
architecture: $(uname -m)
creation_date: $created
properties:
  description: $version
  os: Debian
  release: $(sed -n 's/^VERSION_CODENAME=//p' "$rootfs/usr/lib/os-release")
EOF
}

main() {
    (($# == 2)) || {
        echo "usage: image.sh ROOTFS OUT.tar.xz" >&2
        return 2
    }
    local rootfs=$1 out=$2 created work
    created=$(stat -c %Y "$rootfs")
    work=$(mktemp -d "$out.XXXXXX")
    # shellcheck disable=SC2064 # the path of now
    trap "rm -rf '$work'" EXIT
    mkdir "$work/templates"
    metadata "$rootfs" "$created" >"$work/metadata.yaml"
    tar --create --file="$work/image.tar" --format=gnu --numeric-owner --sort=name \
        --mtime="@$created" --owner=0 --group=0 --mode=u=rwX,go=rX -C "$work" metadata.yaml templates
    tar --append --file="$work/image.tar" --format=gnu --numeric-owner --sort=name \
        --transform='s,^\.\(/\|$\),rootfs\1,S' -C "$(realpath "$rootfs")" .
    xz -9 --threads=1 "$work/image.tar"
    mv "$work/image.tar.xz" "$out"
}

main "$@"
