"""Removing go-id, as docs/operations.md says, leaves nothing.  The last test of all."""

import re

import lxd


def documented_commands():
    """The lines of the section on removal."""
    text = (lxd.REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    section = re.search(r"^## Removing it\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
    block = re.search(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]
    return block


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [line for line in file if "/storage-pools/" in line]


def test_the_documented_commands_remove_everything(built):
    assert built
    assert lxd.query("/1.0/storage-pools") and lxd.query("/1.0/instances")
    lxd.sh(f"set -e\n{documented_commands()}")
    assert lxd.query("/1.0/instances") == []
    assert lxd.query("/1.0/images") == []
    assert lxd.query("/1.0/storage-pools") == []
    assert not lxd.sh("ip -o link show type bridge").stdout
    assert str(lxd.WORK) not in lxd.sh("losetup --noheadings --output BACK-FILE", check=False).stdout
    assert not mounts()
