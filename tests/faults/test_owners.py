"""Two processes want the same machine ids: one of them gets them."""

import contextlib
import re
import subprocess

import pytest

import harness
from harness import wait_until
from journal import load
from service import refused_start, rounds, service, variables


def test_a_second_daemon_on_the_same_state_directory_is_refused(state, journal):
    """I1, I4: also with other machine ids, for there is one mark in it."""
    with service(state=state) as server, load(journal, server.address) as clients:
        for shards in ("16-31", "100"):
            with journal.fault():
                line = refused_start(state=state, SHARD_ID=shards, LOCK_DIRECTORY=state / shards)
                assert f"pid={server.pid}" in line
            clients.await_answers(50)
    assert not journal.refusals


@pytest.mark.parametrize("theirs, disputed", [("31-40", 31), ("0-16", 16), ("20", 20),
                                              ("0-1000", 16), ("16-31", 16)])
def test_machine_ids_that_overlap_are_refused(state, directory, journal, theirs, disputed):
    """I1, I4: the pid that holds them and the first machine id in dispute are named."""
    other = directory / "other"
    other.mkdir()
    with service(state=state) as server, load(journal, server.address) as clients:
        with journal.fault():
            line = refused_start(state=other, SHARD_ID=theirs)
            assert f"pid={server.pid}" in line
            assert re.search(rf"\b{disputed}\b", line)
        clients.await_answers(50)
    assert not journal.refusals


def test_machine_ids_side_by_side_are_no_conflict(directory, journal):
    """I1: ids of both are different, which is what machine ids are for."""
    with contextlib.ExitStack() as stack:
        for shards in ("0-15", "16-31", "32"):
            own = directory / shards
            own.mkdir()
            server = stack.enter_context(service(state=own, SHARD_ID=shards))
            with journal.fault(), load(journal.beside(), server.address) as clients:
                clients.await_answers(200)


def test_the_next_one_may_start_as_soon_as_the_owner_is_dead(state, journal):
    """I1, I3: the kernel releases the locks, however a process ends."""
    for _ in range(rounds(10, 200)):
        with journal.fault(), service(state=state) as server, \
             load(journal, server.address, clients=1) as clients:
            clients.await_answers(10)
            clients.expect_end()
            server.kill()


def test_of_many_that_start_at_once_one_serves(state, journal):
    """I1, I4: a race for the locks has one winner."""
    for _ in range(rounds(5, 100)):
        env = {"PATH": "/usr/bin:/bin", **{name: str(value) for name, value
                                           in variables(state=state).items()}}
        command = [harness.GO_ID, "serve", "--listen", "127.0.0.1:0"]
        processes = [subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                     for _ in range(8)]
        try:
            with journal.fault(len(processes)):
                wait_until(lambda: sum(process.poll() is None for process in processes) <= 1,
                           "all but one to give up")
                running = [process for process in processes if process.poll() is None]
                assert len(running) == 1
                assert all(process.returncode == 1 for process in processes
                           if process is not running[0])
        finally:
            for process in processes:
                process.kill()
                process.wait()
