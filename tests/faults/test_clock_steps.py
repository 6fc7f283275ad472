"""The clock is set, slewed, frozen and thawed while the daemon is loaded."""

import random
import re
import signal
import threading

import pytest

from harness import run_to_end, wait_until
from http_client import get
from journal import load
from service import (LONG, TICK_S, await_no_lead, await_recovery, first_answer, health, lead_s,
                     ready, rounds, service)
from shims import environment

YEAR_S = 365.25 * 24 * 3600
HOUR_S = 3600

LEAD_S = 10  # the default MAX_CLOCK_LEAD

# A pause is a request that the daemon refuses because it had to wait for so long.  A machine that
# is slow for a moment is none: what has waited for the CPU gets its id at once.
NO_PAUSE = {"MAX_WAIT_MS": 300}


def steps_seen(server):
    clock = ready(server)["clock"]
    return clock["steps_back"] + clock["steps_forward"]


def newest_id(server, journal):
    """An id that was asked for after everything that the test did so far."""
    return first_answer(server, journal).ids[-1]


# ---- Within the lead ----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-0.001, 0.001, -1, 1, -5, 30, -9])
def test_a_step_within_the_lead_causes_no_error_and_no_pause(clock, journal, seconds):
    """I1, I2, I3: the clock is set by up to the allowed lead."""
    with service(clock, **NO_PAUSE) as server, load(journal, server.address) as clients:
        for _ in range(rounds(1, 8)):
            clients.await_answers(100)
            before = steps_seen(server)
            with journal.fault():
                clock.step(seconds)
                clients.await_true(lambda: steps_seen(server) == before + 1, "the step noticed")
                clients.await_answers(500)
            if LONG or seconds > -5:
                await_no_lead(server)
        assert not journal.refusals
        assert "event=clock_stepped" in server.log()


def test_after_a_step_back_the_lead_shrinks_and_never_grows(clock, journal):
    """I3: ids lead the clock by as much as it was set back, and every second by less."""
    with service(clock) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault():
            clock.step(-3)
            leads = [ready(server)["lead"]["lead_ms"]]
            assert 2500 < leads[0] <= 3020
            while leads[-1] > 1500:
                clients.await_answers(100)
                leads.append(ready(server)["lead"]["lead_ms"])
        # The id that /ready looks at is the next one: it may be a tick further on.
        assert all(later <= earlier + 2 * TICK_S * 1000
                   for earlier, later in zip(leads, leads[1:])), leads
        assert not journal.refusals


def test_many_steps_within_the_lead_cause_no_error_and_no_pause(clock, journal):
    """I1, I2, I3: the clock is set again and again, by chance, at any moment."""
    chance = random.Random(3)
    with service(clock, **NO_PAUSE) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        ahead_s = 0  # at most: it shrinks meanwhile
        for _ in range(rounds(60, 2000)):
            by_s = chance.choice([0.001, 0.01, 0.1, 1, 4]) * chance.uniform(-1, 1)
            if ahead_s - by_s > LEAD_S - 1:
                by_s = abs(by_s)
            ahead_s = max(0, ahead_s - by_s)
            with journal.fault():
                clock.step(by_s)
                clients.await_answers(chance.randrange(1, 60))
        assert not journal.refusals


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_step_while_every_tick_is_used_up_is_not_noticed(clock, journal, seconds):
    """I1, I2, I3: one machine id, and more ids are wanted than it makes: requests wait in line."""
    with service(clock, SHARD_ID="5") as server, \
         load(journal, server.address, targets=["/generate?count=500&format=binary"]) as clients:
        for _ in range(rounds(1, 20)):
            clients.await_answers(30)
            with journal.fault():
                clock.step(seconds)
                clients.await_answers(60)
            if seconds < 0:
                await_no_lead(server)
        assert not journal.refusals


# ---- Beyond the lead ----------------------------------------------------------------------------


def test_beyond_the_lead_it_refuses_and_comes_back_by_itself(clock, journal):
    """I1, I2, I4: the clock is set back by two seconds more than is allowed."""
    with service(clock, MAX_CLOCK_LEAD="2s", MARK_WINDOW="500ms") as server, \
         load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            clients.await_answers(100)
            with journal.fault():
                clock.step(-4)
                refusal = clients.await_refusal("MAX_CLOCK_LEAD")
                assert 1 <= refusal.retry_after_s <= 3
                status, wait_s, text = health(server)
                assert (status, 1 <= wait_s <= 3) == (503, True)
                assert "MAX_CLOCK_LEAD" in text
                assert ready(server)["lead"]["condition"] == "failed"
                await_recovery(server, clients)
            assert lead_s(newest_id(server, journal), clock) < 2 + 2 * TICK_S
            await_no_lead(server)


@pytest.mark.parametrize("seconds", [-30, -2 * HOUR_S, -10 * YEAR_S])
def test_far_beyond_the_lead_it_says_how_long_until_the_clock_is_set_right(clock, journal,
                                                                           seconds):
    """I1, I2, I4: nobody wants to wait; as soon as the clock is right, ids go on."""
    with service(clock) as server, load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            clients.await_answers(100)
            with journal.fault():
                clock.step(seconds)
                clients.await_refusal()
                _, wait_s, _ = health(server)
                # A request may wait for a second itself.
                assert -seconds - LEAD_S - 3 <= wait_s <= -seconds - LEAD_S + 1
                clock.step(-seconds)
                await_recovery(server, clients)
            await_no_lead(server)


def test_before_the_start_time_it_refuses(clock, journal):
    """I4: the clock shows a time for which there are no ids."""
    with service(clock) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault():
            clock.step(-40 * YEAR_S)
            clients.await_refusal()
            assert health(server)[0] == 503
            clock.step(40 * YEAR_S)
            await_recovery(server, clients)


# ---- Leaps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [2 * HOUR_S, 10 * YEAR_S])
def test_a_leap_that_boot_time_does_not_confirm_is_not_believed(clock, journal, seconds):
    """I1, I2, I3: ids go on along the confirmed line, before, during and after it."""
    with service(clock, **NO_PAUSE) as server, load(journal, server.address) as clients:
        for _ in range(rounds(1, 20)):
            clients.await_answers(100)
            with journal.fault():
                clock.step(seconds)
                clients.await_true(lambda: ready(server)["degraded"], "the leap noticed")
                clients.await_answers(300)
                state = ready(server)
                assert state["ready"]
                assert state["clock"]["condition"] == "degraded"
                leap_ms = state["clock"]["leap_not_believed_ms"]
                assert abs(leap_ms - seconds * 1000) < 100
                assert abs(lead_s(newest_id(server, journal), clock) + seconds) < 1
                clock.step(-seconds)
                clients.await_true(lambda: not ready(server)["degraded"], "the end of it")
                clients.await_answers(100)
        assert not journal.refusals
        assert "event=clock_leap_not_believed" in server.log()
        assert "event=clock_believed" in server.log()


def accept_by_signal(server, _):
    server.send_signal(signal.SIGUSR1)


def accept_by_command(server, clock):
    env = {**environment(clock), "STATE_DIRECTORY": server.directory}
    asked = run_to_end(["state", "accept-clock"], env=env)
    assert asked.returncode == 1
    assert re.search("(1 h 59|2 h 0) min", asked.stdout)  # what it costs
    assert "MAX_CLOCK_LEAD" in asked.stdout
    assert ready(server)["degraded"]
    accepted = run_to_end(["state", "accept-clock", "--yes"], env=env)
    assert accepted.returncode == 0, accepted


@pytest.mark.parametrize("accept", [accept_by_signal, accept_by_command])
def test_an_operator_can_make_it_believe_a_leap(clock, journal, accept):
    """I2, I4: ids leap; and when that was wrong, it refuses instead of going back."""
    with service(clock) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault():
            clock.step(2 * HOUR_S)
            clients.await_true(lambda: ready(server)["degraded"], "the leap noticed")
            accept(server, clock)
            clients.await_true(lambda: not ready(server)["degraded"], "the leap believed")
            clients.await_answers(100)
            assert abs(lead_s(newest_id(server, journal), clock)) < 1
        assert not journal.refusals
        with journal.fault():
            clock.step(-2 * HOUR_S)
            clients.await_refusal()
            _, wait_s, _ = health(server)
            assert 2 * HOUR_S - LEAD_S - 5 < wait_s <= 2 * HOUR_S
            clock.step(2 * HOUR_S)
            await_recovery(server, clients)


def test_a_leap_may_be_allowed_beforehand(clock, journal):
    """I1, I2, I3: MAX_CLOCK_LEAP=unlimited believes everything."""
    with service(clock, MAX_CLOCK_LEAP="unlimited") as server, \
         load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault():
            clock.step(10 * YEAR_S)
            clients.await_true(lambda: steps_seen(server) == 1, "the step noticed")
            clients.await_answers(100)
            assert not ready(server)["degraded"]
            assert abs(lead_s(newest_id(server, journal), clock)) < 1
        assert not journal.refusals


@pytest.mark.parametrize("seconds", [1, 2 * HOUR_S, YEAR_S])
def test_a_suspended_machine_wakes_up_and_goes_on(clock, journal, seconds):
    """I1, I2, I3: boot time confirms the leap, so it is believed.

    Connections have been idle for all that time then, and may be closed for it.
    """
    with service(clock) as server, \
         load(journal, server.address, reconnect=True) as clients:
        for _ in range(rounds(1, 5)):
            clients.await_answers(100)
            with journal.fault():
                clock.suspend(seconds)
                clients.await_answers(300)
                assert not ready(server)["degraded"]
                assert abs(lead_s(newest_id(server, journal), clock)) < 1
        assert not journal.refusals
        assert "clock_leap_not_believed" not in server.log()
        assert steps_seen(server) == 0


def test_steps_of_any_size_and_direction_never_break_uniqueness_or_order(clock, journal):
    """I1, I2: an hour here, ten years there, accepted or not, suspended in between."""
    chance = random.Random(7)
    with service(clock) as server, \
         load(journal, server.address, reconnect=True) as clients:
        clients.await_answers(100)
        right_ns = clock.wall_ns() - clock.boot_ns()

        def put_right():
            """Sets the clock right, and sleeps until it has caught up with the ids."""
            clock.step((right_ns - (clock.wall_ns() - clock.boot_ns())) / 1e9)
            clock.suspend(ready(server)["lead"]["lead_ms"] / 1000)

        for _ in range(rounds(60, 1500)):
            size_s = 10 ** chance.uniform(-3, 8.5)
            with journal.fault():
                if chance.random() < 0.7:
                    clock.step(chance.choice([-1, 1]) * size_s)
                else:
                    clock.suspend(size_s / 1e4)
                asked = journal.answers() + len(journal.refusals) + chance.randrange(1, 80)
                clients.await_true(
                    lambda goal=asked: journal.answers() + len(journal.refusals) >= goal,
                    "answers of any kind")
            if chance.random() < 0.4:
                put_right()
        put_right()
        await_recovery(server, clients)


def test_time_source_monotonic_takes_no_notice_of_the_wall_clock(clock, journal):
    """I1, I2, I3: after the start only the time since boot counts."""
    with service(clock, TIME_SOURCE="monotonic", **NO_PAUSE) as server, \
         load(journal, server.address) as clients:
        for seconds in (-1, 1, -30, 30, -10 * YEAR_S, 10 * YEAR_S):
            clients.await_answers(100)
            with journal.fault():
                clock.step(seconds)
                clients.await_answers(200)
                assert not ready(server)["degraded"]
        assert abs(lead_s(newest_id(server, journal), clock)) < 1
        assert not journal.refusals


# ---- Rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [-500, 500, -100_000, 100_000, -450_000, 1_000_000])
def test_a_clock_that_runs_fast_or_slow_is_followed(clock, journal, ppm):
    """I1, I2, I3: slewed by what NTP does, and by far more."""
    with service(clock, **NO_PAUSE) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        for _ in range(rounds(1, 10)):
            with journal.fault():
                clock.slew(ppm)
                clients.await_answers(1500)
                assert abs(lead_s(newest_id(server, journal), clock)) < 1
                clock.slew(0)
                clients.await_answers(100)
        assert not journal.refusals


def test_a_frozen_clock_is_left_behind_up_to_the_lead(clock, journal):
    """I1, I2, I3, I4: ids go on at half speed until they lead by as much as is allowed.

    One shard: the lead only grows as ticks are used up, and slow clients use up those of one.
    """
    with service(clock, SHARD_ID=16, MAX_CLOCK_LEAD="1s", MARK_WINDOW="500ms") as server, \
         load(journal, server.address) as clients:
        for _ in range(rounds(1, 10)):
            clients.await_answers(100)
            before = len(journal.refusals)
            with journal.fault():
                clock.freeze()
                clients.await_answers(300)
                assert len(journal.refusals) == before
                clients.await_refusal("MAX_CLOCK_LEAD")
                assert health(server)[0] == 503
                clock.thaw()
                await_recovery(server, clients)
            assert lead_s(newest_id(server, journal), clock) <= 1 + 2 * TICK_S
            await_no_lead(server)


# ---- Starting -----------------------------------------------------------------------------------


def test_it_waits_at_start_until_the_clock_is_synchronised(clock, directory, journal):
    """I4: with REQUIRE_CLOCK_SYNC=1 no id is made by a clock that nobody vouches for."""
    log = directory / "log"
    seen = []

    def synchronise():
        wait_until(lambda: log.exists() and "event=waiting_for_clock" in log.read_text(),
                   "the daemon waiting")
        seen.append(log.read_text())
        clock.set_synchronised(True)

    clock.set_synchronised(False)
    helper = threading.Thread(target=synchronise)
    helper.start()
    with journal.fault(), service(clock, REQUIRE_CLOCK_SYNC=1, LOG_FILE=log) as server:
        helper.join()
        assert get(server.address, "/generate").status == 200
    assert seen and "event=ready" not in seen[0]
