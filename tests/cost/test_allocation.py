"""Not one allocation after start: memory that runs out at READY is never missed."""

import contextlib
import os
import signal
import struct

import pytest

from harness import daemon, run_to_end, wait_until
from http_client import Connection, expect_problem, get, request

CONNECTIONS = 1000

CONTROL = struct.Struct("=QQQ")  # failing, failed, succeeded; see allocation_shim.c


class Allocation:
    """What allocation_shim.c is told, and what it counts."""

    def __init__(self, build, directory):
        self._path = directory / "allocation"
        self._path.write_bytes(bytes(CONTROL.size))
        self.environment = {"LD_PRELOAD": build / "tests/cost/allocation_shim.so",
                            "GO_ID_TEST_ALLOCATION": self._path}

    def fail_from_now_on(self):
        fd = os.open(self._path, os.O_WRONLY)
        try:
            os.pwrite(fd, b"\1", 0)
        finally:
            os.close(fd)

    @property
    def failed(self):
        return CONTROL.unpack(self._path.read_bytes())[1]

    @property
    def succeeded(self):
        return CONTROL.unpack(self._path.read_bytes())[2]


@pytest.fixture(name="allocation")
def fixture_allocation(build, directory):
    return Allocation(build, directory)


def ask_everything(address):
    """Every endpoint, and every way to be refused."""
    with Connection(address) as connection:
        for target in ("/health", "/ready", "/info", "/decode/647384502137520129", "/generate",
                       "/", "/status", "/metrics"):
            assert connection.get(target).status == 200
            assert connection.get(target, method="HEAD").status == 200
        for fields in (("Accept: text/plain",), ("Accept: application/octet-stream;q=0.5, */*",)):
            assert connection.get("/generate", *fields).status == 200
        assert connection.get("/generate", "Transfer-Encoding: chunked",
                              body=b"5\r\nhello\r\n0\r\n\r\n").status == 200
        expect_problem(connection.get("/nothing"), 404)
        expect_problem(connection.get("/generate?count=0"), 400)
        expect_problem(connection.get("/generate?format=%22%0a"), 400)
        expect_problem(connection.get("/decode/x"), 400)
        expect_problem(connection.get("/generate", method="DELETE"), 405)
    for data in (b"no HTTP\r\n\r\n", request("/" + "a" * 5000), request("/", "A: " + "a" * 9000)):
        with Connection(address) as connection:
            connection.send_all_it_takes(data)
            expect_problem(connection.read_response(), 400, 405, 414, 431)


def ask_batches(address):
    for count in (1, 2, 100, 10_000):
        for kind in ("json", "string", "text", "binary"):
            response = get(address, f"/generate?count={count}&format={kind}")
            assert response.status == 200
    with Connection(address) as connection:
        connection.send(request("/generate?count=100") * 40)
        for _ in range(40):
            assert connection.read_response().status == 200


def ask_slowly(address):
    """Answers that the socket does not take at once, and requests that arrive in pieces."""
    with Connection(address, receive_buffer=4096) as connection:
        connection.send(request("/generate?count=10000") * 3)
        with Connection(address) as other:
            data = request("/generate")
            other.send(data[:20])
            assert get(address, "/health").status == 200
            other.send(data[20:])
            assert other.read_response().status == 200
        for _ in range(3):
            assert len(connection.read_response().json()["ids"]) == 10_000


def ask_with_a_crowd(address):
    """Connections that all wait for ids of coming ticks, on top of each other."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Connection(address)) for _ in range(CONNECTIONS)]
        for connection in crowd:
            connection.send(request("/generate") * 2)
        for connection in crowd:
            for _ in range(2):
                assert connection.read_response().status == 200
        for connection in crowd[:100]:
            connection.send(request("/generate?count=10000"))
        statuses = {connection.read_response().status for connection in crowd[:100]}
        assert statuses <= {200, 503}, statuses


def test_memory_that_runs_out_before_start_is_told(allocation, directory):
    """And the shim bites, or the next test would prove nothing."""
    allocation.fail_from_now_on()
    done = run_to_end(["serve", "--listen", "127.0.0.1:0"],
                      env={"STATE_DIRECTORY": directory, **allocation.environment})
    assert done.returncode == 1
    assert "event=start_failed" in done.stderr
    assert allocation.failed > 0


def test_nothing_is_allocated_after_start(allocation, directory):
    log = directory / "log"
    state = directory / "state"
    state.mkdir()
    env = {"SHARD_ID": "0-3", "WORKERS": 2, "LOG_LEVEL": "debug", "LOG_FILE": log,
           "STATE_DIRECTORY": state, "MARK_WINDOW": "100ms", **allocation.environment}
    listeners = ("127.0.0.1:0", f"unix:{directory}/socket")
    with daemon(env=env, listen=listeners) as server:
        assert allocation.succeeded > 0, "the shim sees nothing"
        allocation.fail_from_now_on()
        for address in server.addresses:
            ask_everything(address)
            ask_batches(address)
            ask_slowly(address)
        ask_with_a_crowd(server.address)

        mark = (state / "go-id.state").read_bytes()
        wait_until(lambda: get(server.address, "/generate").status == 200 and
                   (state / "go-id.state").read_bytes() != mark, "the mark to move")
        server.send_signal(signal.SIGUSR1)
        wait_until(lambda: "event=clock_accepted" in log.read_text(), "the clock to be accepted")
        log.rename(directory / "old_log")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: log.exists() and "event=log_reopened" in log.read_text(), "a new log")
        assert server.stop() == 0
    assert allocation.failed == 0
