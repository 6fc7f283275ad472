"""The daemon as this suite starts it, and what it says about itself."""

import os
import time

import ids
from harness import daemon, run_to_end, wait_until
from http_client import Connection, get
from journal import Answer, ask
from shims import environment

LONG = os.environ.get("GO_ID_FAULTS") == "long"

SHARDS = "16-31"  # enough that a few clients never use up a tick
TICK_S = ids.TICK_MS / 1000
MS = 1_000_000  # nanoseconds


def rounds(short, long):
    """How often to do something: few times in `make test`, many times in `make faults`."""
    return long if LONG else short


def variables(*shims, state=None, **settings):
    """The environment of a daemon; it shares the folder of a given state's parent for its locks."""
    env = {"SHARD_ID": SHARDS, "WORKERS": 2}
    if shims:
        env.update(environment(*shims))
    if state is not None:
        env.update(STATE_DIRECTORY=state, LOCK_DIRECTORY=state.parent / "locks")
    return {**env, **settings}


def service(*shims, state=None, **settings):
    """A daemon, as harness.daemon() yields it."""
    return daemon(env=variables(*shims, state=state, **settings))


def refused_start(*shims, state, **settings):
    """Starts a daemon that is to refuse; returns the line of its log that says why."""
    result = run_to_end(["serve", "--listen", "127.0.0.1:0"],
                        env=variables(*shims, state=state, **settings))
    assert result.returncode == 1, result.stderr
    errors = [line for line in result.stderr.splitlines() if " level=error " in line]
    assert len(errors) == 2, result.stderr
    assert " event=start_failed " in errors[1]
    return errors[0]


def ready(server):
    """The conditions that /ready tells, with "ready", "degraded" and "reason" beside them."""
    response = get(server.address, "/ready")
    body = response.json()
    assert response.status == (200 if body["ready"] else 503), response
    return {**body["conditions"], **{name: body[name] for name in ("ready", "degraded", "reason")}}


def health(server):
    """(status, seconds to wait or None, text) of /health."""
    response = get(server.address, "/health")
    wait_s = response.headers.get("retry-after")
    if response.status == 200:
        assert response.body == b"OK"
        return 200, None, "OK"
    return response.status, int(wait_s), response.json()["detail"]


def first_answer(server, journal):
    """What a new client gets for its first request; it must be ids."""
    with Connection(server.address) as connection:
        answer = ask(connection, journal)
    assert isinstance(answer, Answer), answer
    return answer


def await_recovery(server, clients):
    """Waits until the service is as if nothing had happened."""
    wait_until(lambda: health(server)[0] == 200, "/health to say OK")
    clients.await_answers(100)


def await_log(server, text):
    wait_until(lambda: text in server.log(), f"{text} in the log")


def await_no_lead(server):
    wait_until(lambda: ready(server)["lead"]["lead_ms"] == 0, "the lead to end")


def wall_ns_of(value):
    """The time that an id carries."""
    return ids.unix_ms_of(value) * MS


def lead_s(value, clock=None):
    """How far an id that has just been received is ahead of the clock."""
    now_ns = clock.wall_ns() if clock is not None else time.time_ns()
    return (wall_ns_of(value) - now_ns) / 1e9
