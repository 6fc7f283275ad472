"""At the ceiling of connections or descriptors: newcomers wait, nothing spins, nothing dies."""

import contextlib
import resource

import pytest

from harness import daemon, wait_until
from http_client import Closed, Connection, get, request

# Far from a loop that spins, which takes all of one CPU; the daemon takes next to nothing.
SPINNING = 0.5


@contextlib.contextmanager
def connections(address, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Connection(address)) for _ in range(count)]


def serve_all(waiting):
    """Lets one client after the other be answered and leave, until none is left.

    A quick 503 is an answer too: it says that the daemon is full.
    """
    served = 0
    while waiting:
        ready = wait_until(lambda: [client for client in waiting if client.has_input()],
                           f"an answer to one of {len(waiting)} clients")
        for client in ready:
            status = client.read_response().status
            assert status in (200, 503)
            served += status == 200
            client.close()
            waiting.remove(client)
    return served


def test_the_ninth_of_eight_waits_and_is_served_when_one_leaves():
    env = {"MAX_CONNECTIONS": 8, "WORKERS": 1}
    with daemon(env=env) as server, connections(server.address, 8) as eight:
        for client in eight:
            assert client.get("/health").body == b"OK"
        with Connection(server.address) as ninth:
            ninth.send(request("/decode/9"))
            assert server.cpu_share_over(1) < SPINNING
            assert not ninth.has_input()
            for client in eight:
                assert client.get("/health").body == b"OK"
            eight[3].close()
            assert ninth.read_response().json()["id"] == 9
            assert ninth.get("/health").body == b"OK"


def test_those_who_wait_are_served_one_after_the_other():
    env = {"MAX_CONNECTIONS": 8, "WORKERS": 1}
    with daemon(env=env) as server, connections(server.address, 60) as clients:
        for client in clients:
            client.send(request("/health"))
        assert serve_all(clients) == 60


def test_nobody_waits_for_ever_with_several_workers():
    env = {"MAX_CONNECTIONS": 8, "WORKERS": 2}
    with daemon(env=env) as server, connections(server.address, 60) as clients:
        for client in clients:
            client.send(request("/health"))
        assert server.cpu_share_over(1) < 2 * SPINNING
        assert serve_all(clients) > 0
        assert get(server.address, "/health").body == b"OK"


def test_a_client_that_gives_up_waiting_takes_no_place():
    env = {"MAX_CONNECTIONS": 2, "WORKERS": 1}
    with daemon(env=env) as server:
        with connections(server.address, 2) as two:
            for client in two:
                assert client.get("/health").body == b"OK"
            for _ in range(20):
                with Connection(server.address) as impatient:
                    impatient.send(request("/health"))
            assert two[0].get("/health").body == b"OK"
        for _ in range(10):
            assert get(server.address, "/health").body == b"OK"


def test_a_full_daemon_still_stops():
    env = {"MAX_CONNECTIONS": 2, "WORKERS": 1}
    with daemon(env=env) as server, connections(server.address, 5) as clients:
        for client in clients[:2]:
            assert client.get("/health").body == b"OK"
        assert server.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_it_survives_when_descriptors_run_out(workers):
    """The limit is lowered while it runs: whatever it planned at start does not help."""
    with daemon(env={"WORKERS": workers}) as server:
        open_now = server.descriptors()
        lowered = (open_now + 10, open_now + 10)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, lowered)
        with connections(server.address, 60) as clients:
            for client in clients:
                client.send(request("/health"))
            wait_until(lambda: server.descriptors() >= open_now + 9, "descriptors run out")
            assert server.cpu_share_over(1) < workers * SPINNING
            assert serve_all(clients) > 0
        wait_until(lambda: server.descriptors() <= open_now + 1, "descriptors free again")
        for _ in range(20):
            assert get(server.address, "/health").body == b"OK"


def test_it_lives_within_a_small_limit_of_descriptors():
    with daemon(env={"WORKERS": 1}, limits={resource.RLIMIT_NOFILE: 40}) as server:
        assert "connections_reduced" in server.log()
        with connections(server.address, 100) as clients:
            for client in clients:
                client.send(request("/health"))
            assert server.cpu_share_over(1) < SPINNING
            assert serve_all(clients) > 0
        assert get(server.address, "/health").body == b"OK"


def test_the_log_tells_of_it_at_most_once_a_second():
    with daemon(env={"WORKERS": 1}) as server:
        open_now = server.descriptors()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_now + 3, open_now + 3))
        lines_before = server.log().count("\n")
        with connections(server.address, 50) as clients:
            for client in clients:
                client.send(request("/health"))
            assert server.cpu_share_over(1.2) < SPINNING
            assert server.log().count("\n") - lines_before <= 10
            serve_all(clients)


def test_a_thousand_connections_at_once_are_served():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1200:
        pytest.skip(f"only {soft} of {hard} descriptors are allowed here")
    with daemon(env={"SHARD_ID": "64-127"}) as server:
        before = server.descriptors()
        with connections(server.address, 1000) as clients:
            for client in clients:
                client.send(request("/generate"))
            values = [client.read_response().json()["id"] for client in clients]
            assert len(set(values)) == 1000
        wait_until(lambda: server.descriptors() <= before, "all descriptors closed")


def test_connections_that_come_and_go_leave_no_descriptor():
    with daemon() as server:
        before = server.descriptors()
        for _ in range(300):
            assert get(server.address, "/health").body == b"OK"
        for data in (b"", b"GET", b"\0\n", request("/generate?count=10000")):
            for _ in range(25):
                with Connection(server.address) as connection:
                    connection.send(data)
        wait_until(lambda: server.descriptors() <= before, "all descriptors closed")


def test_a_refusal_is_never_half_an_answer():
    """While connections come and go at the limit, an answer is whole or there is none."""
    env = {"MAX_CONNECTIONS": 4, "WORKERS": 2}
    with daemon(env=env) as server:
        for _ in range(20):
            with connections(server.address, 12) as clients:
                for client in clients:
                    client.send(request("/decode/5", "Connection: close"))
                for client in clients:
                    try:
                        assert client.read_response().status in (200, 503)
                    except Closed as closed:
                        assert "closed after b''" in str(closed)
