"""What is broken is seen in /metrics: the figures that the alerts of docs/metrics.md go by."""

import errno

from harness import wait_until
from journal import load
from metrics import scrape
from service import await_no_lead, await_recovery, service


def test_a_step_back_is_counted_and_its_lead_shown(clock, journal):
    """I3: GoIdClockStepped and GoIdClockLead have something to go by, for as long as it lasts."""
    with service(clock) as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        assert scrape(server).of("go_id_clock_lead_seconds") == 0
        with journal.fault():
            clock.step(-3)
            wait_until(lambda: scrape(server).of("go_id_clock_steps_total", direction="back") == 1,
                       "the step to be counted")
            during = scrape(server)
            assert during.of("go_id_clock_steps_total", direction="forward") == 0
            assert -3.1 < during.of("go_id_clock_last_step_seconds") < -2.9
            assert 0 < during.of("go_id_clock_lead_seconds") < 3.1
            assert during.of("go_id_ready") == 1
        await_no_lead(server)
        wait_until(lambda: scrape(server).of("go_id_clock_lead_seconds") == 0, "no lead")


def test_a_leap_that_is_not_believed_is_shown(clock, journal):
    """I3: GoIdClockLeap has something to go by; ids go on by the time since boot."""
    with service(clock, MAX_CLOCK_LEAP="10s") as server, load(journal, server.address) as clients:
        clients.await_answers(100)
        with journal.fault():
            clock.step(1000)
            clients.await_answers(100)
            leap_s = wait_until(
                lambda: scrape(server).of("go_id_clock_leap_not_believed_seconds"), "the leap")
            assert 900 < leap_s < 1100
            during = scrape(server)
            assert -1100 < during.of("go_id_clock_offset_seconds") < -900
            assert during.of("go_id_condition", condition="clock") == 1
            assert during.of("go_id_ready") == 1


def test_a_clock_too_far_back_is_the_reason_that_is_counted(clock, journal):
    """I4: every 503 that clients got is counted, under `lead`."""
    with service(clock, MAX_WAIT_MS=0) as server:
        with load(journal, server.address) as clients:
            clients.await_answers(100)
            with journal.fault():
                clock.step(-60)
                clients.await_refusal()
                assert scrape(server).of("go_id_ready") == 0
                clock.step(60)
            await_recovery(server, clients)
        expect_refusals(server, journal, "lead")


def test_a_disk_that_takes_no_mark_is_the_reason_that_is_counted(disk, state, journal):
    """I4: every 503 that clients got is counted, under `mark`; so is every write that failed."""
    with service(disk, state=state, MARK_WINDOW="300ms") as server:
        with load(journal, server.address) as clients:
            clients.await_answers(100)
            writes = scrape(server).of("go_id_mark_write_seconds_count")
            with journal.fault():
                with disk.failing("sync", errno.EIO):
                    clients.await_refusal()
                    during = scrape(server)
                    assert during.of("go_id_condition", condition="mark") == 2
                    assert during.of("go_id_mark_write_failures_total") > 0
                await_recovery(server, clients)
        after = scrape(server)
        assert after.of("go_id_mark_write_failures_total") == disk.faults()
        assert after.of("go_id_mark_write_seconds_count") > writes + disk.faults()
        expect_refusals(server, journal, "mark")


def expect_refusals(server, journal, reason):
    """What clients counted is what was counted; a moment of another reason would show, too."""
    metrics = scrape(server)
    refused = metrics.all_of("go_id_generate_refused_total")
    assert refused[reason] > 0
    assert sum(refused.values()) == len(journal.refusals)
    assert metrics.of("go_id_requests_total", path="/generate", code="503") == \
        len(journal.refusals)
