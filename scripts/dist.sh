#!/usr/bin/env bash
# dist.sh [FOLDER]: what a release consists of, into out/dist, or FOLDER: sources, Debian packages, the static binary, the
# container images, their bills of materials, SHA256SUMS.  The same commit gives the same bytes.
#
# Sources are those of the last commit.  The image for LXD is taken along where `make image`, which needs
# root, has built it of these sources; it is not built here.  IMAGE_FOLDER says where, if it is not out/image.
set -euo pipefail
export LC_ALL=C

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
out=${1:-out/dist}
images=${IMAGE_FOLDER:-out/image}
work=$out.new
ROOT=$PWD
# shellcheck source=build/image.sh
source build/image.sh
project_version
version=$REPLY
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH PYTHONDONTWRITEBYTECODE=1

# step WORDS COMMAND...: says what is under way and how long it took.
step() {
    local what=$1 started=$SECONDS
    shift
    "$@" >"$work/log" || {
        cat "$work/log" >&2
        echo "dist.sh: $what: failed" >&2
        return 1
    }
    rm "$work/log"
    printf '%-28s %3d s\n' "$what" $((SECONDS - started))
}

sources() {
    git archive --prefix="go-id-$version/" HEAD | gzip -9n >"$work/go-id-$version.tar.gz"
}

packages() {
    scripts/package.sh
    cp out/deb/*.deb "$work"
}

static_binary() {
    scripts/build.sh static
    strip -o "$work/$program" out/static/go-id
}

oci_image() {
    scripts/oci_image.py "$work/$program" "$work/$program.oci.tar"
}

# Whether there is an image for LXD, made of what is here now.
has_lxd_image() {
    grep -qxF "SOURCES=$(sources_hash)" "$images/launch.sh" 2>/dev/null
}

lxd_image() {
    local image
    for image in "$images"/go-id-"$version"-*.tar.xz; do
        cp "$image" "$images/launch.sh" "$work"
        mkdir "$work/root"
        tar -xJf "$image" -C "$work/root" rootfs/usr/bin/go-id rootfs/usr/share/doc/go-id/packages.tsv
        bill "${image##*/}" "$work/root/rootfs/usr/bin/go-id" --image "$image" --rootfs "$work/root/rootfs"
        rm -r "$work/root"
    done
}

bill() { # ARTEFACT ARGUMENT OF SBOM.PY...
    local artefact=$1
    shift
    scripts/sbom.py "$@" --output "$work/$artefact.spdx.json"
}

# package_bill PACKAGE FILE [ARGUMENT OF SBOM.PY...]: of the binary in it, which is stripped there.
package_bill() {
    local packed=$work/$1_$version-1_$architecture.deb file
    mkdir "$work/deb"
    dpkg-deb -x "$packed" "$work/deb"
    file=$(compgen -G "$work/deb/$2")
    bill "${packed##*/}" "$file" "${@:3}"
    rm -r "$work/deb"
}

bills() {
    package_bill go-id usr/bin/go-id
    package_bill libsonyflake1 'usr/lib/*/libsonyflake.so.*.*.*' --name libsonyflake
    package_bill libsonyflake-dev 'usr/lib/*/libsonyflake.a' --name libsonyflake
    bill "$program" "$work/$program"
    bill "$program.oci.tar" "$work/$program" --image "$work/$program.oci.tar"
}

sums() {
    local names
    names=$(cd "$work" && ls)
    # shellcheck disable=SC2086 # no name has a blank
    (cd "$work" && sha256sum $names) >"$work.sums"
    mv "$work.sums" "$work/SHA256SUMS"
}

main() {
    (($# <= 1)) || {
        echo "usage: dist.sh [FOLDER]" >&2
        return 2
    }
    local program=go-id-$version-linux-$architecture
    rm -rf "$work"
    mkdir -p "$work"
    [[ -z $(git status --porcelain) ]] ||
        echo "dist.sh: not all of this is committed: the source tarball has the last commit, the rest what is here" >&2
    step "source tarball" sources
    step "Debian packages" packages
    step "static binary" static_binary
    step "OCI image" oci_image
    if has_lxd_image; then
        step "LXD image" lxd_image
    else
        echo "LXD image                    none of these sources in $images: make image builds it, as root"
    fi
    step "bills of materials" bills
    sums
    rm -rf "$out"
    mv "$work" "$out"
    (cd "$out" && du -b -- *) | sed "s,\t,  $out/,"
}

main "$@"
