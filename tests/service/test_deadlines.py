"""Nobody holds a connection for ever: the three deadlines of a connection."""

import contextlib
import time

import pytest

from harness import SLOW, daemon, wait_until
from http_client import Closed, Connection, expect_problem, get, request

SHORT_MS = 400
SHORT_S = SHORT_MS / 1000
LONG_MS = 600_000

HEAD_CUT = request("/health", "X-Field: value")[:-2]  # only the empty line is missing


def deadlines(head=LONG_MS, idle=LONG_MS, write=LONG_MS):
    return {"HEAD_TIMEOUT_MS": head, "IDLE_TIMEOUT_MS": idle, "WRITE_TIMEOUT_MS": write}


@pytest.mark.parametrize("data", [b"G", HEAD_CUT, b"\r\n"])
def test_a_head_that_is_not_complete_in_time_gets_408(data):
    with daemon(env=deadlines(head=SHORT_MS)) as server, Connection(server.address) as connection:
        start = time.monotonic()
        connection.send(data)
        response = connection.read_response()
        assert time.monotonic() - start > SHORT_S * 0.8
        expect_problem(response, 408)
        assert response.announces_close
        connection.expect_close()


def test_a_head_that_trickles_is_not_given_more_time():
    """The deadline is for the whole head: a byte now and then does not move it."""
    with daemon(env=deadlines(head=SHORT_MS)) as server, Connection(server.address) as connection:
        start = time.monotonic()
        connection.send(b"GET /health HTTP/1.1\r\nX-Field: ")
        while not connection.has_input(SHORT_S / 10):
            connection.send(b"a")
            assert time.monotonic() - start < 20 * SHORT_S + 5
        expect_problem(connection.read_response(), 408)


def test_every_head_of_a_connection_has_a_deadline_of_its_own():
    with daemon(env=deadlines(head=SHORT_MS)) as server, Connection(server.address) as connection:
        end = time.monotonic() + 2 * SHORT_S
        while time.monotonic() < end:
            assert connection.get("/health").body == b"OK"
        connection.send(HEAD_CUT)
        expect_problem(connection.read_response(), 408)
        connection.expect_close()


def test_what_came_before_a_cut_head_is_answered():
    with daemon(env=deadlines(head=SHORT_MS)) as server, Connection(server.address) as connection:
        connection.send(request("/decode/5") + HEAD_CUT)
        assert connection.read_response().json()["id"] == 5
        expect_problem(connection.read_response(), 408)
        connection.expect_close()


@pytest.mark.parametrize("field, body", [("Content-Length: 5", b"hell"),
                                         ("Transfer-Encoding: chunked", b"5\r\nhell")])
def test_a_body_that_is_not_complete_in_time_closes_the_connection(field, body):
    with daemon(env=deadlines(head=SHORT_MS)) as server, Connection(server.address) as connection:
        connection.send(request("/health", field, body=body))
        try:
            expect_problem(connection.read_response(), 408)
        except Closed:
            return
        connection.expect_close()


def test_an_idle_connection_is_closed_without_a_byte():
    with daemon(env=deadlines(idle=SHORT_MS)) as server, Connection(server.address) as connection:
        start = time.monotonic()  # before the daemon's, which begins when it answers
        assert connection.get("/health").body == b"OK"
        connection.expect_close()
        assert time.monotonic() - start > SHORT_S * 0.7


def test_a_connection_that_never_asks_is_closed_without_a_byte():
    env = deadlines(idle=SHORT_MS, head=SHORT_MS)
    with daemon(env=env) as server:
        start = time.monotonic()
        with Connection(server.address) as connection:
            connection.expect_close()
        assert time.monotonic() - start > SHORT_S * 0.7


def test_a_connection_in_use_outlives_the_idle_deadline():
    with daemon(env=deadlines(idle=SHORT_MS)) as server, Connection(server.address) as connection:
        end = time.monotonic() + 3 * SHORT_S
        while time.monotonic() < end:
            assert connection.get("/generate").status == 200


def test_a_request_that_waits_for_its_ids_is_not_idle():
    """10,000 ids of one shard take 390 ms, longer than any deadline here."""
    env = {"SHARD_ID": 7, **deadlines(head=300, idle=300, write=300)}
    with daemon(env=env) as server:
        assert len(get(server.address, "/generate?count=10000").json()["ids"]) == 10000


def test_many_idle_connections_are_all_closed():
    with daemon(env=deadlines(idle=SHORT_MS)) as server:
        before = server.descriptors()
        connections = [Connection(server.address) for _ in range(200)]
        for connection in connections:
            connection.send(request("/health"))
        for connection in connections:
            assert connection.read_response().body == b"OK"
            connection.expect_close()
            connection.close()
        wait_until(lambda: server.descriptors() <= before, "all descriptors closed")


def test_a_client_that_does_not_read_is_dropped_and_costs_nothing():
    env = {"SHARD_ID": "0-255", **deadlines(write=SHORT_MS)}
    with daemon(env=env) as server:
        assert get(server.address, "/generate?count=10000").status == 200
        drop_clients_that_do_not_read(server)  # what the first ones touch is there to stay
        resident = server.resident_kib()
        for _ in range(3):
            drop_clients_that_do_not_read(server)
        if not SLOW:  # a sanitizer keeps what is freed for a while
            assert server.resident_kib() < resident + 4096
        assert get(server.address, "/generate?count=10000").status == 200


def drop_clients_that_do_not_read(server):
    """Some clients ask for 20 MB each, more than the sockets hold, and look away."""
    asked = 100
    before = server.descriptors()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address, receive_buffer=4096))
                   for _ in range(4)]
        for client in clients:
            assert client.get("/health").body == b"OK"
            client.send(asked * request("/generate?count=10000&format=text"))
        wait_until(lambda: server.descriptors() <= before, "clients dropped")
        for client in clients:
            answered = 0
            with pytest.raises(Closed):
                while True:
                    assert client.read_response().status == 200
                    answered += 1
            assert answered < asked


def test_a_client_that_reads_slowly_but_reads_is_served():
    """The write deadline is for standing still, not for being slow."""
    env = {"SHARD_ID": "0-255", **deadlines(write=SHORT_MS)}
    with daemon(env=env) as server, \
         Connection(server.address, receive_buffer=4096) as connection:
        asked = 40
        connection.send(asked * request("/generate?count=10000&format=text"))
        end = time.monotonic() + 3 * SHORT_S
        for answered in range(asked):
            response = connection.read_response()
            assert (response.status, response.body.count(b"\n")) == (200, 10000)
            # Spreads the reading over longer than the deadline, at a pace the daemon can see.
            pause_s = (end - time.monotonic()) / (asked - answered)
            time.sleep(max(0, min(pause_s, SHORT_S / 8)))
