"""TIME_SOURCE=ntp: ids carry the servers' time; liars, lost servers, late servers.

The servers are real (chrony.py), and some of them are hours away from the system's clock, so that
whose time an id carries is beyond doubt.
"""

import contextlib
import socket
import threading

import pytest

from chrony import ADDRESS, chronyd, free_port
from harness import DEADLINE_S, daemon, wait_until
from http_client import get
from ids import is_increasing, now_ms, tick_of, unix_ms_of

TOLERANCE_MS = 50  # a tick, the way to the server, and rounding


def time_source(*servers):
    return {"TIME_SOURCE": "ntp:" + ",".join(server.name for server in servers)}


def new_id(running):
    return int(get(running.address, "/generate").json()["id"])


def clock_of(running):
    return get(running.address, "/ready").json()["conditions"]["clock"]


def ntp_of(running):
    return clock_of(running)["ntp"]


def expect_time_of(running, time_ms):
    """A new id lies between two readings of that clock."""
    before_ms = time_ms()
    id_ms = unix_ms_of(new_id(running))
    assert before_ms - TOLERANCE_MS <= id_ms <= time_ms() + TOLERANCE_MS


# ---- One server ----------------------------------------------------------------------------------

@pytest.mark.parametrize("ahead_s", [0, 1000, -1000, 7200])
def test_ids_carry_the_servers_time(ahead_s):
    # 7200 s are more than MAX_CLOCK_LEAP: the first answer is no leap, it is what time it is.
    with chronyd(ahead_s) as server, daemon(env=time_source(server)) as running:
        expect_time_of(running, server.time_ms)
        assert ntp_of(running)["state"] == "synchronised"
        assert ntp_of(running)["usable"] == 1
        assert clock_of(running)["condition"] == "ok"
        assert get(running.address, "/health").body == b"OK"
        assert "event=ntp_synchronised" in running.log()


def test_a_server_that_is_set_is_followed():
    # Seen by one of the quick requests at start, which are 2 s apart.
    with chronyd() as server, daemon(env=time_source(server)) as running:
        first = new_id(running)
        server.set_ahead(500)
        wait_until(lambda: unix_ms_of(new_id(running)) > now_ms() + 400_000, "the step")
        expect_time_of(running, server.time_ms)
        assert is_increasing([first, new_id(running)])
        assert "event=ntp_step" in running.log()


def test_a_lost_server_leaves_its_time():
    with chronyd(1000) as server, daemon(env=time_source(server)) as running:
        ids = [new_id(running)]
        shift_ms = server.shift_ms()
        server.kill()
        # Silent for four requests: the daemon has noticed, and it does not matter.
        wait_until(lambda: "event=ntp_no_answer" in running.log(), "the server to be missed")
        ids.append(new_id(running))
        expect_time_of(running, lambda: now_ms() + shift_ms)
        ids.append(new_id(running))
        assert is_increasing(ids)
        assert get(running.address, "/health").body == b"OK"


def test_a_restart_without_a_server_goes_on_by_the_time_it_knew(directory):
    state = {"STATE_DIRECTORY": directory, "LOCK_DIRECTORY": directory}
    with chronyd(1000) as server:
        env = {**time_source(server), **state}
        with daemon(env=env) as running:
            ids = [new_id(running)]
            shift_ms = server.shift_ms()
            assert running.stop() == 0
        server.kill()
        with daemon(env=env) as running:
            ids.append(new_id(running))
            expect_time_of(running, lambda: now_ms() + shift_ms)
            assert get(running.address, "/health").body == b"OK"
    assert is_increasing(ids)


def test_a_restart_does_not_believe_a_leap_of_the_server_either(directory):
    state = {"STATE_DIRECTORY": directory, "LOCK_DIRECTORY": directory}
    with chronyd(0) as server, daemon(env={**time_source(server), **state}) as running:
        before = new_id(running)
    with chronyd(7200) as server, daemon(env={**time_source(server), **state}) as running:
        wait_until(lambda: clock_of(running)["leap_not_believed_ms"] > 7_000_000, "the leap")
        assert tick_of(new_id(running)) - tick_of(before) < 100_000  # 1000 s


# ---- Several servers -----------------------------------------------------------------------------

@pytest.mark.parametrize("liar", [0, 1, 2])
def test_a_lying_server_is_outvoted(liar):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(chronyd(500 if i == liar else 0)) for i in range(3)]
        running = stack.enter_context(daemon(env=time_source(*servers)))
        # Once the third has been heard, whichever it is, it is plain who lies.
        wait_until(lambda: "event=ntp_outvoted" in running.log(), "the liar to be found out")
        assert f"event=ntp_outvoted server={servers[liar].name} " in running.log()
        for _ in range(20):
            expect_time_of(running, now_ms)
        assert ntp_of(running)["usable"] == 2
        assert "event=ntp_step" not in running.log()


def test_of_two_servers_that_contradict_each_other_neither_is_followed():
    with chronyd(3000) as liar, chronyd() as honest, daemon(
            env=time_source(liar, honest)) as running:
        assert ntp_of(running)["state"] == "disagreeing"
        assert clock_of(running)["condition"] == "degraded"
        for server in liar, honest:
            assert f"event=ntp_disagree server={server.name} " in running.log()
        expect_time_of(running, now_ms)  # the system's clock is all there is

        liar.kill()
        with chronyd(port=liar.port):  # comes to its senses
            wait_until(lambda: ntp_of(running)["state"] == "synchronised", "agreement")
            assert ntp_of(running)["usable"] == 2
            expect_time_of(running, now_ms)


# ---- Waiting for the time ------------------------------------------------------------------------

def test_require_clock_sync_waits_for_the_server():
    """The server comes up only after the first round, four requests, has been in vain."""
    port = free_port()
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((ADDRESS, port))
    silent.settimeout(DEADLINE_S)
    events = []
    over = threading.Event()

    def come_up_late():
        with silent:
            for _ in range(4):
                silent.recv(64)
        events.append("asked in vain")
        with chronyd(port=port) as server:
            events.append(server)
            over.wait(DEADLINE_S)

    thread = threading.Thread(target=come_up_late)
    thread.start()
    try:
        with daemon(env={"TIME_SOURCE": f"ntp:{ADDRESS}:{port}",
                         "REQUIRE_CLOCK_SYNC": "1"}) as running:
            assert events[0] == "asked in vain"
            server = wait_until(lambda: len(events) > 1 and events[1], "the server to be up")
            expect_time_of(running, server.time_ms)
            assert "event=waiting_for_clock" in running.log()
    finally:
        over.set()
        thread.join()


def test_a_silent_server_does_not_keep_the_service_down():
    # Without REQUIRE_CLOCK_SYNC the system's clock serves until there is a better one.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((ADDRESS, 0))
        name = f"{ADDRESS}:{silent.getsockname()[1]}"
        with daemon(env={"TIME_SOURCE": f"ntp:{name}"}) as running:
            expect_time_of(running, now_ms)
            assert ntp_of(running)["state"] == "none-yet"
            assert clock_of(running)["condition"] == "degraded"
            warning = f"event=ntp_no_answer server={name} "
            wait_until(lambda: warning in running.log(), "the warning")
