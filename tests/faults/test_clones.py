"""Snapshots on BTRFS: restored, and cloned beside the original."""

import shutil
import signal

import pytest

import volumes
from journal import load
from service import lead_s, ready, refused_start, rounds, service


@pytest.fixture(name="btrfs")
def fixture_btrfs():
    with volumes.volume("btrfs") as path:
        yield path


def instance(*shims, state, name="first", **settings):
    """A daemon of that name; every state has locks of its own, as in containers of their own."""
    return service(*shims, state=state, INSTANCE_NAME=name,
                   LOCK_DIRECTORY=state / "locks", **settings)


def issue(server, journal, answers=100):
    with load(journal, server.address, clients=2) as clients:
        clients.await_answers(answers)


def test_a_restored_snapshot_goes_on_behind_everything_that_was_issued(btrfs, journal):
    """I1, I2: the snapshot is older than the newest ids, and taken under load."""
    live, kept = btrfs / "live", btrfs / "kept"
    volumes.subvolume(live)
    for _ in range(rounds(4, 60)):
        with journal.fault(), instance(state=live) as server, \
             load(journal, server.address, clients=2) as clients:
            clients.await_answers(50)
            volumes.snapshot(live, kept)
            clients.await_answers(50)
            clients.expect_end()
            server.kill()
        volumes.delete_subvolume(live)
        volumes.snapshot(kept, live)
        volumes.delete_subvolume(kept)
        with instance(state=live) as server:
            issue(server, journal)
    assert not journal.refusals


def test_a_restored_snapshot_skips_what_may_have_been_issued_ahead_of_the_clock(btrfs, clock,
                                                                                journal):
    """I1, I2, I3: the snapshot's mark is behind the ids, and so is the clock, set back meanwhile."""
    live, kept = btrfs / "live", btrfs / "kept"
    volumes.subvolume(live)
    with instance(clock, state=live) as server, \
         load(journal, server.address, clients=2) as clients, journal.fault():
        clients.await_answers(50)
        volumes.snapshot(live, kept)
        clock.step(5)  # past the mark that the snapshot has
        clients.await_answers(50)
        clock.step(-8)
        clients.await_answers(200)
        clients.expect_end()
        server.kill()
    volumes.delete_subvolume(live)
    volumes.snapshot(kept, live)
    with instance(clock, state=live) as server:
        issue(server, journal)
        assert lead_s(journal.largest, clock) < 10.2
    assert not journal.refusals


def test_a_snapshot_from_before_a_leap_was_accepted_follows_the_clock(btrfs, clock, journal):
    """I1, I2, I3: what it believed of the clock is as old as its mark."""
    live, kept = btrfs / "live", btrfs / "kept"
    volumes.subvolume(live)
    with instance(clock, state=live) as server, \
         load(journal, server.address, clients=2) as clients, journal.fault():
        clients.await_answers(50)
        volumes.snapshot(live, kept)
        clock.step(2 * 3600)
        clients.await_true(lambda: ready(server)["degraded"], "the leap noticed")
        server.send_signal(signal.SIGUSR1)
        clients.await_true(lambda: not ready(server)["degraded"], "the leap accepted")
        clients.await_answers(50)
        clients.expect_end()
        server.kill()
    volumes.delete_subvolume(live)
    volumes.snapshot(kept, live)
    with instance(clock, state=live) as server:
        issue(server, journal)
        assert not ready(server)["degraded"]


def test_a_clone_with_the_same_machine_ids_is_refused(btrfs, journal):
    """I1, I4: it says whose they are and what the ways out are; the original goes on."""
    live, clone = btrfs / "live", btrfs / "clone"
    volumes.subvolume(live)
    with instance(state=live) as server, load(journal, server.address, clients=2) as clients:
        clients.await_answers(50)
        volumes.snapshot(live, clone)
        before = (clone / "go-id.state").read_bytes()
        for shards in ("16-31", "31", "0-20"):
            with journal.fault():
                line = refused_start(state=clone, INSTANCE_NAME="second", SHARD_ID=shards,
                                     LOCK_DIRECTORY=clone / "locks")
                assert "first" in line and "second" in line
                assert "adopt" in line or "SHARD_ID" in line
        assert (clone / "go-id.state").read_bytes() == before
        clients.await_answers(50)
    assert not journal.refusals


def test_a_clone_with_other_machine_ids_serves_beside_the_original(btrfs, journal):
    """I1, I3: that is how one makes a second instance out of a first one."""
    live, clone = btrfs / "live", btrfs / "clone"
    volumes.subvolume(live)
    with instance(state=live) as server, load(journal, server.address, clients=2) as clients:
        clients.await_answers(50)
        volumes.snapshot(live, clone)
        with journal.fault(), instance(state=clone, name="second", SHARD_ID="64-79") as second:
            issue(second, journal.beside())
            clients.await_answers(50)
    assert not journal.refusals


def test_a_copied_state_of_another_instance_is_refused_on_any_file_system(state, directory,
                                                                          journal):
    """I1, I4: a container that was copied without BTRFS has another name, too."""
    with instance(state=state) as server:
        issue(server, journal)
    copy = directory / "copy"
    shutil.copytree(state, copy)
    with journal.fault():
        line = refused_start(state=copy, INSTANCE_NAME="second")
    assert "first" in line
    with instance(state=copy, name="second", SHARD_ID="64-79") as server:
        issue(server, journal.beside())
