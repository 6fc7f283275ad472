#!/usr/bin/env bash
# e2e.sh [PYTEST OPTION...]: the container, end to end: builds it with ./startDefault.sh and drives
# it with the real lxc and curl (tests/container/).
#
# All of it lives in namespaces of its own (network, mounts, processes) and in /var/tmp/go-id-e2e: an
# LXD, its BTRFS pool, bridge, port 7001.  A developer's own LXD does not notice.  Whatever ends the
# run, Ctrl-C included, the kernel ends everything in it.
#
# Exit status 77, loudly: this machine cannot run it, and why.
set -uo pipefail
export LC_ALL=C

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
repository=$PWD
work=/var/tmp/go-id-e2e # short, for the sockets in it, and open to the users of the containers
lock=/run/lock/go-id-e2e.lock
results=$repository/out/test-results
python=/usr/bin/python3 # Debian's: the one that Debian's pytest belongs to
cannot_run=77
interrupted=0
apart_pid=''

# Says why this machine cannot run it; nothing if it can.
obstacle() {
    if ((EUID != 0)); then
        echo "not root"
    elif ! unshare --net --mount --pid --fork true 2>/dev/null; then
        echo "no namespaces: unshare --net --mount --pid is refused"
    elif ! grep -qw btrfs /proc/filesystems && ! modprobe btrfs 2>/dev/null; then
        echo "no BTRFS in this kernel"
    elif ! mounts_btrfs; then
        echo "no loop devices: a BTRFS in a file cannot be mounted"
    elif [[ $(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 0) == 0 ]]; then
        echo "no user namespaces, so no unprivileged containers: /proc/sys/user/max_user_namespaces"
    elif ! makes_cgroups; then
        echo "no cgroups that can be written, in /sys/fs/cgroup"
    elif ! command -v lxd >/dev/null; then
        echo "no lxd: scripts/install_packages.sh container"
    fi
}

mounts_btrfs() {
    local folder status=0
    folder=$(mktemp -d) || return
    {
        truncate -s 128M "$folder/image" && mkfs.btrfs -q "$folder/image" &&
            unshare --mount mount -o loop "$folder/image" "$folder"
    } >/dev/null 2>&1 || status=1
    rm -rf "$folder"
    return "$status"
}

# Version 1 has a folder per controller, version 2 has none.
makes_cgroups() {
    local cgroup=/sys/fs/cgroup
    [[ ! -d $cgroup/memory ]] || cgroup+=/memory
    mkdir "$cgroup/go-id-e2e" 2>/dev/null && rmdir "$cgroup/go-id-e2e"
}

# skip REASON: a result that says that there is none.
skip() {
    local banner='!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!'
    printf '%s\n!!! e2e: NOT RUN: the container was not tested: %s\n%s\n' "$banner" "$1" "$banner" >&2
    cat >"$results/container.xml" <<EOF
<testsuites><testsuite name="container"><testcase classname="container" name="end to end">
<skipped message="NOT RUN: $1"/></testcase></testsuite></testsuites>
EOF
    return "$cannot_run"
}

host_state() {
    "$python" tests/container/host_state.py "$@"
}

# apart [UNSHARE OPTION...] COMMAND...: runs it with mounts and processes of its own.  The first
# process there takes all others with it when it ends.
apart() {
    local status=0
    ((interrupted == 0)) || return 1
    unshare --mount --pid --fork --kill-child --mount-proc "$@" 9>&- </dev/null &
    apart_pid=$!
    wait "$apart_pid" || status=1
    wait "$apart_pid" 2>/dev/null # again, if it was a signal that ended the first wait
    apart_pid=''
    return "$status"
}

# unshare, which is left alone, ends when everything in the namespaces has.
interrupt() { # SIGNAL
    local first
    echo "e2e: SIG$1; ending everything" >&2
    interrupted=1
    [[ -n $apart_pid ]] || return
    first=$(ps -o pid= --ppid "$apart_pid")
    # shellcheck disable=SC2086 # it has blanks before it
    kill -KILL ${first:-$apart_pid} 2>/dev/null
}

main() {
    local reason status=0 started=$SECONDS
    mkdir -p "$results"
    rm -f "$results"/container*.xml
    reason=$(obstacle)
    [[ -z $reason ]] || {
        skip "$reason"
        return
    }
    exec 9>"$lock"
    flock -n 9 || {
        echo "e2e: another run is under way (it holds $lock)" >&2
        return 1
    }
    export PYTHONDONTWRITEBYTECODE=1 GO_ID_E2E=$work
    host_state clear_stale "$work" || return 1
    trap 'interrupt INT' INT
    trap 'interrupt TERM' TERM
    trap 'interrupt HUP' HUP
    mkdir -m 711 "$work" || return 1
    host_state record "$work/before.json" || return 1

    # The packages are fetched here: there is no network in the namespaces of the tests.
    export DEBIAN_TREE=$work/debian
    if apart container/packages.sh "$DEBIAN_TREE" >"$work/packages.log" 2>&1; then
        apart --net tests/container/namespace.sh "$work" "$@" || status=1
    else
        cat "$work/packages.log" >&2
        status=1
    fi
    host_state remove_empty_cgroups "$work/before.json"
    scripts/pytest.sh --once container-afterwards tests/container/afterwards || status=1
    rm -rf --one-file-system "$work" || status=1
    ((interrupted == 0)) || status=130
    printf 'e2e: %s in %d s\n' "$( ((status)) && echo FAILED || echo passed)" $((SECONDS - started))
    return "$status"
}

main "$@"
