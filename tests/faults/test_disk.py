"""The disk under the mark is full, over quota, read-only, slow, broken; and then well again."""

import contextlib
import errno
import re

import pytest

import volumes
from harness import wait_until
from journal import load
from service import (await_log, await_recovery, health, ready, refused_start, rounds, service,
                     wall_ns_of)

WINDOW = "300ms"  # short, so that the mark is reached soon
FOR_GOOD_MS = 3_600_000


def durable_mark_ns(state):
    """The mark that a loss of power would leave; see disk_shim.c."""
    text = (state / "go-id.state.durable").read_text()
    return int(re.search(r"^mark=(\d+)$", text, re.MULTILINE)[1])


def attack(server, clients, journal, fault, word):
    """The disk fails while ids are wanted: served up to the mark, then refused, then well again."""
    clients.await_answers(100)
    with journal.fault():
        with fault:
            clients.await_refusal(word)  # the first ones may only have waited in vain
            status, wait_s, text = health(server)
            assert (status, wait_s >= 1) == (503, True)
            assert word in text
            state = ready(server)
            assert state["mark"]["condition"] == "failed"
            assert word in state["reason"]
        await_recovery(server, clients)
    assert not ready(server)["degraded"]


def fail_and_recover(server, journal, make_fault, number):
    """Several times in one life; the log says when it began and when it ended."""
    name = errno.errorcode[number]
    with load(journal, server.address) as clients:
        for _ in range(rounds(1, 15)):
            attack(server, clients, journal, make_fault(), name)
    assert f"event=mark_failed errno={name}" in server.log()
    await_log(server, f"event=mark_recovered before={name}")


# ---- Injected -----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write", "sync", "rename", "sync_folder"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_write_that_fails_stops_ids_at_the_mark(disk, state, journal, step, number):
    """I1, I2, I4: each step of replacing the state fails, until it does not."""
    with service(disk, state=state, MARK_WINDOW=WINDOW) as server:
        fail_and_recover(server, journal, lambda: disk.failing(step, number), number)
        assert disk.faults() > 0
    assert not (state / "go-id.state.new").exists()


def test_a_short_failure_is_not_noticed(disk, journal, state):
    """I3: what works again before the mark is reached costs nobody an id."""
    with service(disk, state=state, MARK_WINDOW="4s") as server, \
         load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            with journal.fault():
                with disk.failing("sync"):
                    before = disk.faults()
                    wait_until(lambda goal=before: disk.faults() > goal, "a failure")
                    clients.await_answers(50)
                    assert health(server)[0] == 200
                wait_until(lambda: not ready(server)["degraded"], "the mark moved again")
        assert not journal.refusals


@pytest.mark.parametrize("step", ["sync", "sync_folder"])
def test_a_disk_that_hangs_stops_ids_at_the_mark(disk, state, journal, step):
    """I1, I2, I4: syncing takes much longer than the window; nobody waits for it for long."""
    with service(disk, state=state, MARK_WINDOW=WINDOW, MAX_WAIT_MS=200) as server, \
         load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            attack(server, clients, journal, disk.stalling(step, 2000), "STATE_DIRECTORY")


def test_a_disk_that_is_slow_is_only_slow(disk, state, journal):
    """I3: syncing takes a tenth of the window each time."""
    with service(disk, state=state, MARK_WINDOW="2s") as server, \
         load(journal, server.address) as clients, disk.stalling("sync", 200):
        for _ in range(rounds(3, 60)):
            before = disk.faults()
            with journal.fault():
                clients.await_true(lambda goal=before: disk.faults() > goal, "a slow write")
        assert not journal.refusals


def test_it_refuses_to_start_on_a_broken_disk(disk, state, journal):
    """I4: before the first mark is durable there is no id."""
    for step in disk.STEPS:
        with journal.fault(), disk.failing(step):
            assert "EIO" in refused_start(disk, state=state)
    with service(disk, state=state) as server, load(journal, server.address) as clients:
        clients.await_answers(10)


def test_it_crashes_on_a_broken_disk_and_goes_on_later(clock, disk, state, journal):
    """I1, I2: killed while the disk takes nothing, with ids issued up to the mark.

    The next life begins with the clock set back by more than the window, so that nothing but the
    mark knows of them.
    """
    for step in disk.STEPS * rounds(1, 20):
        clock.step(-1)
        with service(clock, disk, state=state, MARK_WINDOW=WINDOW) as server, \
             load(journal, server.address) as clients, journal.fault():
            clients.await_answers(50)
            clock.step(1)
            with disk.failing(step):
                clients.await_refusal()
                clients.expect_end()
                server.kill()


@pytest.mark.parametrize("step", ["sync", "sync_folder"])
def test_no_id_reaches_a_mark_that_is_not_on_disk(disk, state, journal, step):
    """I1, I4: the disk hangs for good; what was issued lies below what a power loss would leave."""
    with service(disk, state=state, MARK_WINDOW="2s", MAX_WAIT_MS=200) as server, \
         load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault(), disk.stalling(step, FOR_GOOD_MS):
            clients.await_refusal()
            clients.expect_end()
            server.kill()
    mark_ns = durable_mark_ns(state)
    assert wall_ns_of(journal.largest) < mark_ns


# ---- Real file systems --------------------------------------------------------------------------


@pytest.fixture(name="btrfs")
def fixture_btrfs():
    """A small BTRFS with a subvolume for the state."""
    with volumes.volume("btrfs") as path:
        volumes.subvolume(path / "state")
        yield path


def test_a_full_btrfs(btrfs, journal):
    """I1, I2, I4: ENOSPC; when there is room again, ids go on."""
    with service(state=btrfs / "state", MARK_WINDOW=WINDOW) as server:
        fail_and_recover(server, journal, lambda: volumes.filled(btrfs), errno.ENOSPC)


def test_a_btrfs_over_its_quota(btrfs, journal):
    """I1, I2, I4: EDQUOT, by a limit on the subvolume."""
    volumes.run("btrfs", "quota", "enable", btrfs)
    with service(state=btrfs / "state", MARK_WINDOW=WINDOW) as server:
        fail_and_recover(server, journal, lambda: volumes.over_quota(btrfs, btrfs / "state"),
                         errno.EDQUOT)


def test_a_subvolume_that_becomes_read_only(btrfs, journal):
    """I1, I2, I4: EROFS, under a daemon that has its folder open."""
    with service(state=btrfs / "state", MARK_WINDOW=WINDOW,
                 LOCK_DIRECTORY=btrfs / "locks") as server:
        fail_and_recover(server, journal, lambda: volumes.read_only(btrfs / "state"), errno.EROFS)


def test_a_frozen_btrfs(btrfs, journal):
    """I1, I2, I4: whoever writes hangs until it is thawed."""
    with service(state=btrfs / "state", MARK_WINDOW=WINDOW, MAX_WAIT_MS=200) as server, \
         load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            attack(server, clients, journal, volumes.frozen(btrfs), "STATE_DIRECTORY")


def test_a_file_system_that_the_kernel_makes_read_only(journal):
    """I1, I2, I4: ext4 found an error and was remounted; there is no way back for it."""
    with volumes.volume("ext4", "errors=remount-ro") as path, contextlib.ExitStack() as stack:
        state = path / "state"
        state.mkdir()
        server = stack.enter_context(service(state=state, MARK_WINDOW=WINDOW))
        with load(journal, server.address) as clients, journal.fault():
            clients.await_answers(100)
            volumes.break_ext4(path)
            clients.await_refusal("EROFS")
            assert "EROFS" in health(server)[2]
        assert server.stop() == 0
        assert "event=mark_not_exact" in server.log()
        assert "EROFS" in refused_start(state=state)
