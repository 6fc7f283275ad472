"""Removing go-id, as docs/operations.md says, leaves nothing.  The last test of all."""

import lxd
from documents import section


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [line for line in file if "/storage-pools/" in line]


def test_the_documented_commands_remove_everything(built):
    assert built
    assert lxd.query("/1.0/storage-pools") and lxd.query("/1.0/instances")
    for command in section("docs/operations.md", "Removing it"):
        lxd.sh(command)
    assert lxd.query("/1.0/instances") == []
    assert lxd.query("/1.0/images") == []
    assert lxd.query("/1.0/storage-pools") == []
    assert not lxd.sh("ip -o link show type bridge").stdout
    assert str(lxd.WORK) not in lxd.sh("losetup --noheadings --output BACK-FILE", check=False).stdout
    assert not mounts()
