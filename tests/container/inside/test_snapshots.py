"""Snapshots of the container and of its state, by hand and by schedule: no id comes twice."""

import pytest

import lxd
from documents import section

NAME = "go-id-snapshots"


@pytest.fixture(name="saved", scope="module")
def fixture_saved(first):
    assert first
    with lxd.instance(NAME, 7104, {"environment.SHARD_ID": 30}) as made:
        yield made


def snapshots(name):
    return [path.rpartition("/")[2] for path in lxd.query(f"/1.0/instances/{name}/snapshots")]


def test_the_build_takes_one_and_has_a_schedule(go_id):
    assert "first" in snapshots(go_id.name)
    config = lxd.query(f"/1.0/instances/{go_id.name}")["config"]
    assert config["snapshots.schedule"] == "@daily" and config["snapshots.expiry"] == "7d"


def test_a_restored_container_goes_on_behind_its_ids(saved):
    saved.exec("touch", "/root/before")
    lxd.sh(f"lxc snapshot {NAME} by-hand")
    saved.exec("touch", "/root/after")
    last = [saved.generate() for _ in range(1000)][-1]
    lxd.sh(f"lxc restore {NAME} by-hand")
    saved.wait_booted()
    saved.wait_healthy()
    assert saved.generate() > last
    assert saved.exec("test", "-e", "/root/before", check=False).returncode == 0
    assert saved.exec("test", "-e", "/root/after", check=False).returncode != 0


def test_a_restore_takes_the_shard_back_and_the_documented_one_does_not(go_id):
    """LXD restores the container's configuration with its root: what docs/operations.md says to do about that."""
    snapshot, info, get, stop, restore, give, start = section("docs/operations.md", "Snapshots, restore, backup")
    go_id.config("environment.SHARD_ID", 31)
    go_id.exec("systemctl", "restart", "go-id")
    lxd.sh(snapshot)
    assert "before-the-upgrade" in lxd.sh(info).stdout
    go_id.config("environment.SHARD_ID", 1)
    go_id.exec("systemctl", "restart", "go-id")
    go_id.wait_healthy()
    last = go_id.generate()
    assert last & 0xFFFF == 1
    assert lxd.sh(get).stdout.strip() == "1"
    lxd.sh(stop)
    lxd.sh(restore)
    assert lxd.sh(get).stdout.strip() == "31"
    lxd.sh(give)
    lxd.sh(start)
    go_id.wait_booted()
    go_id.wait_healthy()
    assert go_id.shard() == 1
    assert go_id.generate() > last
    lxd.lxc("delete", f"{go_id.name}/before-the-upgrade")


def test_a_restored_state_volume_goes_on_behind_its_ids(saved):
    """The mark goes back, and go-id finds out: the subvolume is another one."""
    lxd.sh(f"lxc storage volume snapshot {lxd.POOL} {NAME}-state by-hand")
    last = [saved.generate() for _ in range(1000)][-1]
    lxd.lxc("stop", NAME)
    lxd.sh(f"lxc storage volume restore {lxd.POOL} {NAME}-state by-hand")
    saved.start()
    saved.wait_healthy()
    assert saved.generate() > last


def test_a_schedule_is_kept(scheduled):
    lxd.wait_until(lambda: [name for name in snapshots(scheduled.name) if name.startswith("auto-")],
                   "a snapshot by schedule, at the next full minute", deadline_s=180)
    assert scheduled.generate() > 0
    lxd.remove(scheduled.name)  # before test_z_removal.py
