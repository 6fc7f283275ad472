#!/usr/bin/env bash
# namespace.sh WORK [PYTEST OPTION...]: the first process of the namespaces that scripts/e2e.sh
# makes.  Gives them what a host has, and runs the tests.  Not to be run by hand.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# /sys shows the network of the namespace that mounted it; the cgroups come along.
mount_sys() {
    local cgroups=$1/cgroups
    mkdir "$cgroups"
    mount --rbind /sys/fs/cgroup "$cgroups"
    mount -t sysfs sysfs /sys
    mount --rbind "$cgroups" /sys/fs/cgroup
    umount -l "$cgroups"
    rmdir "$cgroups"
}

main() {
    local work=$1
    shift
    [[ $$ == 1 ]] || {
        echo "namespace.sh: call scripts/e2e.sh" >&2
        return 2
    }
    ip link set lo up
    mount_sys "$work"
    # Not exec: the first process has to take in the orphans of lxd, and a shell does.
    # Once: the tests share an LXD and a container, which a second try would not find as they were.
    scripts/pytest.sh --once container tests/container/inside "$@"
}

main "$@"
