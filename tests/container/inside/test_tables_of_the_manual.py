"""The commands in the tables of docs/operations.md: what to look at when paged, and how limits are changed."""

import lxd
from documents import in_passing

VOLUME = f"/1.0/storage-pools/{lxd.POOL}/volumes/custom/{lxd.FIRST}-state"


def limits():
    made = lxd.query(f"/1.0/instances/{lxd.FIRST}")
    return {"memory": made["config"]["limits.memory"], "cpu": made["config"]["limits.cpu"],
            "root": made["devices"]["root"]["size"], "state": lxd.query(VOLUME)["config"]["size"]}


def test_they_do_what_they_say(go_id):
    """All of them, in their order; it runs already, and the restart is for the last of the limits."""
    before = limits()
    commands = [command for command in in_passing("docs/operations.md", "lxc") if lxd.FIRST in command]
    assert len(commands) > 10
    try:
        for command in dict.fromkeys(commands):
            if command not in (f"lxc start {lxd.FIRST}", f"lxc restart {lxd.FIRST}"):
                assert lxd.sh(command).stdout or " set " in command, command
        lxd.sh(f"lxc restart {lxd.FIRST}")
        go_id.wait_booted()
        go_id.wait_healthy()
        assert limits() == {"memory": "1GiB", "cpu": "4", "root": "10GiB", "state": "1GiB"}
        assert "MAX_CONNECTIONS=15000" in go_id.text("cat", f"/proc/{go_id.pid()}/environ").split("\0")
    finally:
        lxd.lxc("config", "set", lxd.FIRST, f"limits.memory={before['memory']}", f"limits.cpu={before['cpu']}")
        lxd.lxc("config", "unset", lxd.FIRST, "environment.MAX_CONNECTIONS")
        lxd.lxc("config", "device", "set", lxd.FIRST, "root", f"size={before['root']}")
        lxd.volume_size(f"{lxd.FIRST}-state", before["state"])
