#!/usr/bin/env bash
# install_packages.sh GROUP...: installs the Debian packages that the groups need and that are
# missing.  The groups and their packages are in packages_of().  Says what it is about to do; uses sudo only if it
# must.
set -euo pipefail
export LC_ALL=C

# The one list of what the project needs.
packages_of() {
    case $1 in
    build) echo gcc libc6-dev make cmake ninja-build ;;
    test) echo g++ binutils libcmocka-dev pkg-config python3 python3-pytest python3-pytest-xdist curl jq strace clang iproute2 \
        libclang-rt-14-dev chrony prometheus python3-jsonschema \
        python3-prometheus-client python3-yaml valgrind zsh fish ;;
    faults) echo btrfs-progs e2fsprogs mount util-linux ;;
    browser) echo chromium fonts-dejavu-core ;;
    pictures) echo pngquant ;;
    node) # one from elsewhere will do, and excludes Debian's
        { command -v node && command -v npm; } >/dev/null || echo nodejs npm
        ;;
    proof) echo gcc libc6-dev spin ;;
    lint) echo git clang clang-format clang-tidy cppcheck shellcheck ;;
    fuzz) echo clang libclang-rt-14-dev afl++ gcovr ;;
    proxies) echo python3 python3-pytest haproxy nginx-light curl openssl ;;
    coverage) echo gcovr ;;
    deb) echo dpkg-dev fakeroot gzip lintian logrotate adduser man-db systemd procps \
        mount util-linux ;;
    static) echo musl-tools linux-libc-dev python3 xz-utils ;;
    oci) echo skopeo umoci util-linux ;;
    bench) echo python3 wrk nghttp2-client nginx-light redis-server redis-tools postgresql \
        util-linux "$(packages_of node)" ;;
    image) echo mmdebstrap debian-archive-keyring xz-utils tar binutils util-linux ;;
    e2e) echo python3 python3-pytest iproute2 mount nftables procps util-linux ;;
    container) echo "$(packages_of image)" "$(container_manager)" btrfs-progs curl iproute2 ;;
    *)
        echo "${0##*/}: no such group: $1; packages_of() in this script has them all" >&2
        return 2
        ;;
    esac
}

# LXD with what Debian only recommends beside it; nothing where LXD or Incus is there, as a snap for example.  Ubuntu has
# LXD as a snap only.
container_manager() {
    if has_container_manager; then
        return
    elif is_ubuntu; then
        echo snapd
    else
        echo lxd lxd-client dnsmasq-base nftables uidmap
    fi
}

has_container_manager() {
    command -v incus >/dev/null || { command -v lxc >/dev/null && ! is_installed lxd; }
}

is_ubuntu() {
    grep -qs '^ID=ubuntu$' "${OS_RELEASE:-/etc/os-release}"
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Runs a command as root, showing it first.
as_root() {
    printf '+ %s\n' "$*" >&2
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "${0##*/}: not root, and there is no sudo; run the line above as root" >&2
        return 1
    fi
}

install_packages() { # PACKAGE...
    (($# > 0)) || return 0
    if ! command -v apt-get >/dev/null; then
        echo "${0##*/}: this system has no apt-get; install these yourself: $*" >&2
        return 1
    fi
    echo "installing what is missing: $*" >&2
    as_root apt-get -o DPkg::Lock::Timeout=600 -q update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q install -y \
        --no-install-recommends "$@"
}

main() {
    local group package names missing=()
    for group in "$@"; do
        names=$(packages_of "$group")
        for package in $names; do
            is_installed "$package" || missing+=("$package")
        done
    done
    install_packages "${missing[@]}"
    if [[ " $* " == *" container "* ]] && is_ubuntu && ! has_container_manager; then
        as_root snap install lxd
    fi
}

main "$@"
