"""Snapshots of the container and of its state, by hand and by schedule: no id comes twice."""

import pytest

import lxd

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


def test_a_restore_takes_the_shard_back_and_the_documented_one_does_not(saved):
    """LXD restores the container's configuration with its root: what docs/operations.md says to do about that."""
    lxd.sh(f"lxc snapshot {NAME} of-shard-30")
    saved.config("environment.SHARD_ID", 31)
    saved.exec("systemctl", "restart", "go-id")
    saved.wait_healthy()
    last = saved.generate()
    assert last & 0xFFFF == 31
    assert lxd.sh(f"lxc config get {NAME} environment.SHARD_ID").stdout.strip() == "31"
    lxd.sh(f"lxc stop {NAME}")
    lxd.sh(f"lxc restore {NAME} of-shard-30")
    assert lxd.sh(f"lxc config get {NAME} environment.SHARD_ID").stdout.strip() == "30"
    lxd.sh(f"lxc config set {NAME} environment.SHARD_ID=31")
    saved.start()
    saved.wait_healthy()
    assert saved.shard() == 31
    assert saved.generate() > last


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
