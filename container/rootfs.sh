#!/usr/bin/env bash
# rootfs.sh STAGE ROOTFS: makes the container's root: the least of Debian that systemd and go-id
# need.  STAGE is a tree of `cmake --install --prefix /usr`.  Needs root.
#
# Reproducible: the same packages and the same STAGE give the same bytes, names, owners and times.
# Every time is that of the newest file of the packages, or SOURCE_DATE_EPOCH.
#
#   DEBIAN_TREE=FOLDER   made by packages.sh, for builds without a network, and builds that must
#                        use the packages of another day (default: packages.sh fetches them now)
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# entries FILE: a list, without its comments.
entries() {
    sed 's/#.*//' "$here/$1"
}

newest_time() {
    find "$1/usr" -type f -printf '%T@\n' | sort -n | tail -1 | cut -d. -f1
}

# Users and groups, from the sysusers files of systemd and go-id.
make_accounts() {
    local unpacked=$1
    SYSTEMD_LOG_LEVEL=warning chroot "$unpacked" systemd-sysusers
    # Nobody logs in; `lxc exec` does not ask.
    sed -i 's,^\(root:.*\):/bin/bash$,\1:/bin/sh,' "$unpacked/etc/passwd"
}

# Copies what contents.txt names.
take_contents() {
    local unpacked=$1 rootfs=$2 pattern paths missing=0
    while read -r pattern; do
        mapfile -t paths < <(cd -- "$unpacked" && compgen -G "$pattern")
        if ((${#paths[@]} == 0)); then
            echo "rootfs.sh: contents.txt: nothing matches '$pattern'" >&2
            missing=1
        else
            (cd -- "$unpacked" && cp -a --parents -- "${paths[@]}" "$rootfs")
        fi
    done < <(entries contents.txt | grep -v '^ *$')
    return "$missing"
}

# in_usr PATH: /lib/x becomes usr/lib/x: what it is when the links of the tree are followed.
in_usr() {
    case $1 in
    /lib* | /bin/* | /sbin/*) echo "usr$1" ;;
    *) echo "${1#/}" ;;
    esac
}

# Copies the libraries that the programs need, as the loader of the packages finds them; links with
# what they point to.
take_libraries() {
    local unpacked=$1 rootfs=$2 loader path target
    loader=$(cd -- "$unpacked" && compgen -G 'lib*/ld-linux-*.so.*' | head -1)
    (cd -- "$rootfs" && find usr/bin usr/lib/systemd -type f -perm -u+x) |
        while read -r path; do
            chroot "$unpacked" "/$loader" --list "/$path" || true # fails if linked statically
        done 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | sort -u |
        while read -r path; do
            path=$(in_usr "$path")
            while [[ -L $unpacked/$path ]]; do
                echo "$path"
                target=$(readlink "$unpacked/$path")
                [[ $target == /* ]] || target=/${path%/*}/$target
                path=$(in_usr "$target")
            done
            echo "$path"
        done | sort -u | (cd -- "$unpacked" && xargs cp -a --parents -t "$rootfs" --)
}

# Links the commands of busybox, except where the root has a program of that name.
link_applets() {
    local rootfs=$1 applet known
    known=$(chroot "$rootfs" busybox --list)
    set -f # '[' is an applet, not a pattern
    for applet in $(entries applets.txt); do
        grep -qxF -- "$applet" <<<"$known" || {
            echo "rootfs.sh: applets.txt: busybox has no '$applet'" >&2
            return 1
        }
        [[ -e $rootfs/usr/bin/$applet ]] || ln -s busybox "$rootfs/usr/bin/$applet"
    done
    set +f
}

# lay TREE ROOT: copies it over, as root's and for all to read, whatever umask it was made or cloned with.
lay() {
    tar --create --mode=u=rwX,go=rX --owner=0 --group=0 -C "$1" . | tar --extract --preserve-permissions -C "$2"
}

# Lays files/ over it, and makes the folders that are empty at first.
take_files() {
    local rootfs=$1
    lay "$here/files" "$rootfs"
    (cd -- "$rootfs" && install -d dev proc sys run usr/local/bin var/cache var/lib var/log/journal \
        var/spool && install -d -m 700 root && install -d -m 1777 tmp var/tmp)
    ln -sfn ../run "$rootfs/var/run"
    ln -sfn ../run/lock "$rootfs/var/lock"
}

# What starts at boot.  It also shows that the tree is complete enough to run a program.
enable_units() {
    chroot "$1" systemctl --quiet set-default multi-user.target
    chroot "$1" systemctl --quiet enable go-id.service systemd-networkd.service
}

main() {
    (($# == 2)) || {
        echo "usage: rootfs.sh STAGE ROOTFS" >&2
        return 2
    }
    local stage=$1 rootfs=$2 unpacked
    [[ -x $stage/usr/bin/go-id ]] || {
        echo "rootfs.sh: $stage/usr/bin/go-id is missing: cmake --install --prefix /usr comes first" >&2
        return 1
    }
    [[ ! -e $rootfs ]] || {
        echo "rootfs.sh: $rootfs exists; remove it first" >&2
        return 1
    }
    umask 022
    mkdir -p "$rootfs"
    rootfs=$(realpath "$rootfs")
    unpacked=$rootfs.unpacked
    # shellcheck disable=SC2064 # the path of now
    trap "rm -rf --one-file-system '$unpacked'" EXIT
    if [[ -n ${DEBIAN_TREE-} ]]; then
        cp -a "$DEBIAN_TREE" "$unpacked"
    else
        "$here/packages.sh" "$unpacked"
    fi
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(newest_time "$unpacked")}
    lay "$stage" "$unpacked"
    make_accounts "$unpacked"
    take_contents "$unpacked" "$rootfs"
    take_libraries "$unpacked" "$rootfs"
    link_applets "$rootfs"
    take_files "$rootfs"
    enable_units "$rootfs"
    "$here/licences.sh" "$unpacked" "$rootfs"
    find "$rootfs" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

main "$@"
