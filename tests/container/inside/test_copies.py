"""A copy of a container must not issue the ids of its original; with a shard of its own it serves."""

import pytest

import lxd
from documents import section

ORIGINAL, COPY = "go-id-original", "go-id-copy"
PORT, COPY_PORT = 7105, 7106


@pytest.fixture(name="original", scope="module")
def fixture_original(first):
    assert first
    with lxd.instance(ORIGINAL, PORT, {"environment.SHARD_ID": 40}) as made:
        assert made.generate() & 0xFFFF == 40
        yield made


@pytest.fixture(name="copy")
def fixture_copy(original):
    """As `lxc copy` makes it, but for the port, which the original has."""
    assert original
    try:
        lxd.lxc("copy", ORIGINAL, COPY, "--instance-only")
        lxd.lxc("config", "device", "set", COPY, "api", f"listen=tcp:127.0.0.1:{COPY_PORT}")
        yield lxd.Container(COPY, COPY_PORT)
    finally:
        lxd.remove(COPY)


def copy_volumes():
    for part in ("state", "log"):
        lxd.lxc("storage", "volume", "copy", f"{lxd.POOL}/{ORIGINAL}-{part}", f"{lxd.POOL}/{COPY}-{part}")
        lxd.lxc("config", "device", "set", COPY, part, f"source={COPY}-{part}")


def wait_refused(copy, *reasons):
    """Until its log has said why it does not start; it has not answered meanwhile."""
    def said():
        text = copy.exec("journalctl", "--unit=go-id", "--boot", "--no-pager", check=False).stdout
        return all(reason in text for reason in reasons)
    lxd.wait_until(said, f"the copy refuses: {reasons}")
    assert copy.get("/generate")[0] == 0


def test_a_copy_that_shares_the_state_volume_refuses(original, copy):
    """Whatever its shard: one state, one owner."""
    lxd.lxc("start", COPY)
    wait_refused(copy, "/var/lib/go-id")
    assert original.shard() == 40


def test_a_copy_with_the_same_shard_refuses_though_its_state_is_its_own(original, copy):
    copy_volumes()
    lxd.lxc("start", COPY)
    wait_refused(copy, ORIGINAL)
    assert original.shard() == 40


def test_the_documented_copy_serves(go_id):
    """Of go-id-v1, with a shard of its own."""
    made = lxd.Container("go-id-v2", 7002)
    try:
        for command in section("docs/operations.md", "Further shards")[1:]:  # the first one launches a shard
            lxd.sh(command)
        made.wait_booted()
        made.wait_healthy()
        assert made.shard() == 2
        assert go_id.shard() == 1
    finally:
        lxd.remove(made.name)
