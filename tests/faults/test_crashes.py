"""The daemon is killed, stopped, and robbed of power; what was issued stays issued."""

import os
import random
import shutil
import signal
import statistics
import time

import pytest

from harness import run_to_end
from journal import load
from service import (LONG, TICK_S, await_no_lead, await_recovery, first_answer, health, lead_s,
                     ready, rounds, service)
from shims import environment

LEAD_S = 10  # the default MAX_CLOCK_LEAD
WINDOW_S = 2  # the default MARK_WINDOW
FIRST_ID_S = 0.1  # from exec, usually; decides in `make faults` only, which has the machine alone


def kill_under_load(server, journal, answers):
    with load(journal, server.address, clients=2) as clients:
        clients.await_answers(answers)
        clients.expect_end()
        server.kill()


def set_by_chance(clock, chance, ahead_s):
    """Sets the clock, mostly back, so that ids, ahead of it by that much, stay within the lead.

    After a crash nothing but the mark can know of ids that are ahead of the clock.
    """
    if ahead_s > LEAD_S - WINDOW_S:
        clock.step(chance.uniform(0, 6))
    elif chance.random() < 0.7:
        clock.step(-chance.uniform(0, LEAD_S - WINDOW_S - max(ahead_s, 0)) / 2)


def test_kill_after_kill_with_the_clock_set_back_in_between(clock, state, journal):
    """I1, I2, I3: every life begins with ids at once, all of them larger than any before."""
    chance = random.Random(1)
    waits_s = []
    for _ in range(rounds(200, 5000)):
        with journal.fault(), service(clock, state=state) as server:
            began_s = time.monotonic()
            answer = first_answer(server, journal)
            waits_s.append(server.ready_after_s + time.monotonic() - began_s)
            kill_under_load(server, journal, answers=chance.randrange(1, 40))
        assert not journal.refusals
        set_by_chance(clock, chance, lead_s(answer.ids[-1], clock))
    if LONG:
        assert statistics.median(waits_s) < FIRST_ID_S, sorted(waits_s)[-20:]


def test_a_crash_while_the_clock_is_far_back_forgets_nothing(clock, state, journal):
    """I1, I2, I4: marks of that time lie below the ids of before; the floor does not."""
    with journal.fault(), service(clock, state=state) as server:
        kill_under_load(server, journal, answers=40)
    clock.step(-3600)
    for _ in range(2):
        with journal.fault(), service(clock, state=state) as server:
            assert health(server)[0] == 503
            server.kill()
    clock.step(3600 - 3)  # not quite right: within the lead of the first life's ids
    with journal.fault(), service(clock, state=state) as server, \
         load(journal, server.address) as clients:
        clients.await_answers(100)


def test_crashes_do_not_carry_ids_away_from_the_clock(state, journal):
    """I1, I2, I3: after a crash ids are at most a window ahead, also after many in a row.

    A life takes two ticks at least, even one that was shorter.
    """
    began_s = time.monotonic()
    for life in range(rounds(50, 1000)):
        with journal.fault(), service(state=state) as server:
            answer = first_answer(server, journal)
            ahead_s = max(0, life * 2 * TICK_S - (time.monotonic() - began_s))
            assert lead_s(answer.ids[-1]) <= WINDOW_S + ahead_s + 0.1
            server.kill()
        journal.settle()
    assert not journal.refusals


def test_a_clean_stop_leaves_no_lead(state, journal):
    """I1, I2: the exact mark is written, so the next start goes on with the clock."""
    for _ in range(rounds(15, 300)):
        with service(state=state) as server:
            with load(journal, server.address, clients=2) as clients, journal.fault():
                clients.await_answers(50)
                clients.expect_end()
                assert server.stop() == 0
        with service(state=state) as server:
            assert lead_s(first_answer(server, journal).ids[-1]) <= 2 * TICK_S
            assert server.stop() == 0
    assert not journal.refusals


@pytest.mark.parametrize("seconds", [-1, -9])
def test_a_restart_with_the_clock_set_back_within_the_lead(clock, state, journal, seconds):
    """I1, I2, I3: it was stopped well, so all of the lead is left for the clock."""
    for _ in range(rounds(2, 10)):
        with service(clock, state=state) as server, load(journal, server.address) as clients:
            clients.await_answers(100)
        with journal.fault():
            clock.step(seconds)
            with service(clock, state=state) as server, load(journal, server.address) as clients:
                clients.await_answers(100)
        clock.step(-seconds)
    assert not journal.refusals


@pytest.mark.parametrize("seconds", [-60, -3600 * 24 * 365])
def test_a_restart_with_the_clock_far_back_refuses_until_it_is_right(clock, state, journal,
                                                                     seconds):
    """I1, I2, I4: ids that were issued are in the clock's future."""
    with service(clock, state=state) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
    clock.step(seconds)
    with journal.fault(), service(clock, state=state) as server, \
         load(journal, server.address) as clients:
        refusal = clients.await_refusal()
        assert -seconds - LEAD_S - 4 <= refusal.retry_after_s <= -seconds
        assert health(server)[0] == 503
        clock.step(-seconds)
        await_recovery(server, clients)


def test_a_restart_does_not_believe_a_leap_of_the_same_boot(clock, state, journal):
    """I1, I2, I3: what the clock was is in the record; a restart is no way around it."""
    with service(clock, state=state) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
    clock.step(10 * 3600)
    with journal.fault(), service(clock, state=state) as server, \
         load(journal, server.address) as clients:
        assert ready(server)["degraded"]
        clients.await_answers(100)
        answer = first_answer(server, journal)
        assert abs(lead_s(answer.ids[-1], clock) + 10 * 3600) < 5
    accepted = run_to_end(["state", "accept-clock", "--yes"],
                          env={**environment(clock), "STATE_DIRECTORY": state})
    assert accepted.returncode == 0, accepted
    with service(clock, state=state) as server:
        assert not ready(server)["degraded"]
        assert abs(lead_s(first_answer(server, journal).ids[-1], clock)) < 1
    assert not journal.refusals


@pytest.mark.parametrize("by_s", [0, -2, 2, 3600])
def test_a_process_that_was_stopped_for_a_while_goes_on(clock, journal, by_s):
    """I1, I2, I3: a VM that pauses; its clock may be another one afterwards."""
    with service(clock, MARK_WINDOW="500ms") as server, load(journal, server.address) as clients:
        for pause_s in (0.05, 0.7, 1.5)[:rounds(2, 3)] * rounds(1, 10):
            clients.await_answers(100)
            with journal.fault():
                server.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
                time.sleep(pause_s)  # the fault itself: the mark is passed meanwhile
                clock.step(by_s)
                server.send_signal(signal.SIGCONT)
                clients.await_answers(300)
            if by_s != 3600:
                await_no_lead(server)
        assert not journal.refusals


# ---- Power loss ---------------------------------------------------------------------------------


def test_power_loss_leaves_what_was_synced_and_that_is_enough(clock, disk, state, journal):
    """I1, I2, I3: everything that was written but not synced is gone, and the clock is wrong."""
    chance = random.Random(5)
    for _ in range(rounds(40, 600)):
        with journal.fault(), service(clock, disk, state=state, MARK_WINDOW="100ms") as server:
            first_answer(server, journal)
            kill_under_load(server, journal, answers=chance.randrange(1, 150))
        os.replace(state / "go-id.state.durable", state / "go-id.state")
        (state / "go-id.state.new").unlink(missing_ok=True)
        (state / "go-id.state.durable.new").unlink(missing_ok=True)
        set_by_chance(clock, chance, lead_s(journal.largest, clock))
    assert not journal.refusals


def test_a_backup_taken_under_load_can_be_put_back(state, directory, journal):
    """I1, I2: a copy of the folder, of any moment; the clock knows what the copy does not."""
    backup = directory / "backup"
    for _ in range(rounds(15, 200)):
        shutil.rmtree(backup, ignore_errors=True)
        with journal.fault(), service(state=state, MARK_WINDOW="100ms") as server, \
             load(journal, server.address, clients=2) as clients:
            clients.await_answers(20)
            backup.mkdir()
            shutil.copy(state / "go-id.state", backup)
            clients.await_answers(20)
            clients.expect_end()
            server.stop()
        shutil.copy(backup / "go-id.state", state)
    with service(state=state) as server:
        assert lead_s(first_answer(server, journal).ids[-1]) < 1


def test_a_kill_during_the_write_leaves_a_usable_state(clock, disk, state, journal):
    """I1, I2, I3: killed while each of the steps of replacing the state is under way."""
    chance = random.Random(9)
    for step in disk.STEPS * rounds(3, 50):
        with journal.fault(), service(clock, disk, state=state, MARK_WINDOW="100ms") as server, \
             load(journal, server.address, clients=2) as clients:
            clients.await_answers(20)
            with disk.stalling(step, 3000):
                before = disk.faults()
                clients.await_true(lambda goal=before: disk.faults() > goal, "a write under way")
                clients.expect_end()
                server.kill()
        set_by_chance(clock, chance, lead_s(journal.largest, clock))
