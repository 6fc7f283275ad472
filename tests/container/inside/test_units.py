"""The units under a real systemd: the service and its instances as docs/systemd.md starts them, and its socket."""

import json

import pytest

import lxd
from documents import section

NAME = "go-id-units"


@pytest.fixture(name="made", scope="module")
def fixture_made(first):
    assert first
    with lxd.instance(NAME, 7107, {"environment.SHARD_ID": 50}) as made:
        yield made


def run_inside(command):
    """A line that the document has root type."""
    assert command.startswith("sudo systemctl "), command
    return lxd.sh(f"lxc exec {NAME} -- {command.removeprefix('sudo ')}")


def test_the_documented_lines_start_the_service(made):
    made.exec("systemctl", "disable", "--now", "go-id.service")
    assert made.pid() == 0
    lines = [line for line in section("docs/systemd.md", "Under systemd") if line.startswith("sudo systemctl ")]
    assert len(lines) == 2
    for line in lines:
        run_inside(line)
    assert made.shard() == 50  # it serves when systemctl returns
    assert made.unit("UnitFileState") == "enabled"


def test_the_documented_lines_start_instances(made):
    """The container's image has no template: it comes from what `make install` would put there."""
    stage = lxd.WORK / "stage"
    lxd.sh(f"DESTDIR={stage} cmake --install {lxd.REPOSITORY}/out/release --prefix /usr")
    lxd.sh(f"lxc file push {stage}/usr/lib/systemd/system/go-id@.service {NAME}/etc/systemd/system/")
    made.exec("systemctl", "daemon-reload")
    start, ask = section("docs/systemd.md", "Several shards on one host")
    run_inside(start)
    root = f"/proc/{made.state()['pid']}/root"
    for shard in (7, 8):
        said = lxd.sh(ask.replace("/run/go-id/7/", f"{root}/run/go-id/{shard}/"))
        assert json.loads(said.stdout)["id"] & 0xFFFF == shard
    assert made.shard() == 50  # the one without a name is beside them


def test_the_socket_starts_the_service_and_holds_clients(made):
    """Clients wait through a restart instead of being refused."""
    made.exec("systemctl", "disable", "--now", "go-id.service")
    made.exec("systemctl", "enable", "--now", "go-id.socket")
    assert made.pid() == 0
    assert made.shard() == 50  # the first request starts it
    assert made.pid() != 0
    before = made.generate()
    made.exec("systemctl", "restart", "--no-block", "go-id.service")
    assert made.generate() > before
    made.restart()
    assert made.shard() == 50
