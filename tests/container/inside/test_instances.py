"""go-id@.service: several shards under one systemd, each with its own state, log and socket.

The container's image is for one service and does not have the unit: it is put there as `make install` makes it."""

import pytest

import lxd

SHARDS = {"7": {7}, "64-127": set(range(64, 128))}
UNIT = "/etc/systemd/system/go-id@.service"
NOBODY = "65534"


class Instances:
    """The instances of go-id in a container."""

    def __init__(self, container):
        self.container = container

    def systemctl(self, *words):
        return self.container.text("systemctl", *words)

    def state(self, name):
        return self.container.unit("ActiveState", f"go-id@{name}")

    def pid(self, name):
        return int(self.container.unit("MainPID", f"go-id@{name}"))

    def wait_serving(self, name):
        lxd.wait_until(lambda: self.state(name) == "active", f"go-id@{name} serves")

    def ids(self, name, count=1000):
        """As any local user takes them."""
        said = lxd.lxc("exec", self.container.name, f"--user={NOBODY}", "--", "go-id", "generate", f"--count={count}",
                       f"--url=unix:/run/go-id/{name}/socket").stdout
        return [int(line) for line in said.split()]

    def files(self, folder):
        return set(self.container.text("ls", "-A", folder).split())


@pytest.fixture(name="unit", scope="module")
def fixture_unit(first):
    """The template in the first container; afterwards neither it nor what the instances leave on purpose."""
    stage = lxd.WORK / "instances"
    lxd.sh(f"cd {lxd.REPOSITORY} && DESTDIR={stage} cmake --install out/release --prefix /usr --component service")
    lxd.lxc("file", "push", "--mode=0644", f"{stage}/usr/lib/systemd/system/go-id@.service", f"{first.name}{UNIT}")
    first.exec("systemctl", "daemon-reload")
    yield first
    first.exec("rm", "-rf", UNIT, *(f"{folder}/go-id/{name}" for name in (*SHARDS, "100")
                                   for folder in ("/run", "/var/lib", "/var/log")))
    first.exec("systemctl", "daemon-reload")


@pytest.fixture(name="instances", scope="module")
def fixture_instances(unit):
    """Both instances beside go-id.service; once they are stopped nothing of them is left but state and log."""
    instances = Instances(unit)
    shard = unit.shard()
    instances.systemctl("enable", "--now", *(f"go-id@{name}" for name in SHARDS))
    yield instances
    pids = [instances.pid(name) for name in SHARDS]
    assert all(pids)
    instances.systemctl("disable", "--now", *(f"go-id@{name}" for name in SHARDS))
    for name, pid in zip(SHARDS, pids):
        assert (instances.state(name), instances.pid(name)) == ("inactive", 0)
        assert unit.exec("test", "-e", f"/proc/{pid}", check=False).returncode != 0
        assert instances.files(f"/run/go-id/{name}") == set()
        assert instances.files(f"/var/lib/go-id/{name}") == {"go-id.lock", "go-id.state"}
        assert instances.files(f"/var/log/go-id/{name}") == {"service.log"}
    assert not [name for name in instances.files("/etc/systemd/system/multi-user.target.wants") if "@" in name]
    assert instances.systemctl("--failed", "--no-legend", "--no-pager") == ""
    assert unit.shard() == shard


def test_each_gives_ids_of_its_own_shards(instances):
    taken = {name: instances.ids(name) for name in SHARDS}
    for name, shards in SHARDS.items():
        assert {number & 0xFFFF for number in taken[name]} == shards
    assert len(set(taken["7"]) | set(taken["64-127"])) == 2000
    assert instances.container.shard() not in SHARDS["7"] | SHARDS["64-127"]


def test_each_has_files_of_its_own(instances):
    for name in SHARDS:
        state, log = f"/var/lib/go-id/{name}", f"/var/log/go-id/{name}"
        for folder in (state, log):
            assert instances.container.text("stat", "-c", "%U %a", folder) == "go-id 750"
        assert instances.container.text("stat", "-c", "%U", f"/proc/{instances.pid(name)}") == "go-id"
        assert "go-id.state" in instances.files(state)
        assert "event=ready" in instances.container.text("cat", f"{log}/service.log")
        shard = "shard 7:" if name == "7" else "shards 64-127:"
        assert instances.container.unit("StatusText", f"go-id@{name}").startswith(f"{shard} OK")


def test_one_that_is_killed_comes_back_and_goes_on(instances):
    before, others = instances.ids("64-127")[-1], instances.pid("7")
    pid = instances.pid("64-127")
    instances.container.exec("kill", "-9", pid)
    lxd.wait_until(lambda: instances.pid("64-127") not in (0, pid), "systemd starts it again")
    instances.wait_serving("64-127")
    assert instances.ids("64-127")[0] > before
    assert instances.pid("7") == others


def test_one_with_a_shard_that_runs_already_does_not_serve(instances):
    """They meet in /run/lock/go-id."""
    instances.systemctl("start", "--no-block", "go-id@100")
    try:
        lxd.wait_until(lambda: "another process of this host owns machine id 100" in instances.container.text(
            "journalctl", "--unit=go-id@100", "--no-pager"), "go-id@100 refuses")
        assert instances.state("100") != "active"
    finally:
        instances.systemctl("stop", "go-id@100")
        # A stop that comes while it refuses finds it failed.
        instances.container.exec("systemctl", "reset-failed", "go-id@100", check=False)
    assert {number & 0xFFFF for number in instances.ids("64-127")} == SHARDS["64-127"]
