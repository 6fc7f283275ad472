"""System calls per request: one to wait, one to read, one to write; and nothing to watch a socket."""

import collections
import re
import subprocess

import pytest

from harness import daemon, wait_until
from http_client import Connection, request

REQUESTS = 200
SLACK = 20  # for what else happens: connecting, the mark, the end
PIPELINE = 16

STRACE = ["strace", "-D", "-f", "-q", "-e",
          "trace=epoll_pwait2,epoll_wait,epoll_ctl,recvfrom,sendto"]

CALL = re.compile(r"^\d+\s+(\w+)\(", re.MULTILINE)


def traced(directory, talk):
    """How often which system call is made in the life of a daemon that has talk(connection)."""
    probe = subprocess.run([*STRACE, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"strace does not work here: {probe.stderr.strip()}")
    log = directory / "strace"
    with daemon(env={"SHARD_ID": "0-63", "WORKERS": 1},
                tracer=[*STRACE, "-o", str(log)]) as server:
        with Connection(server.address) as connection:
            talk(connection)
    end = re.compile(rf"^{server.pid}\s.*exited with 0", re.MULTILINE)
    wait_until(lambda: end.search(log.read_text()), "the whole trace")
    return collections.Counter(CALL.findall(log.read_text()))


def test_one_wait_one_read_and_one_write_per_request(directory):
    def talk(connection):
        for _ in range(REQUESTS):
            assert connection.get("/generate").status == 200

    calls = traced(directory, talk)
    for name in ("epoll_pwait2", "recvfrom", "sendto"):
        assert REQUESTS <= calls[name] <= REQUESTS + SLACK, calls
    assert calls["epoll_ctl"] <= SLACK, calls


def test_pipelined_requests_share_them(directory):
    def talk(connection):
        for _ in range(REQUESTS):
            connection.send(request("/generate") * PIPELINE)
            for _ in range(PIPELINE):
                assert connection.read_response().status == 200

    calls = traced(directory, talk)
    for name in ("epoll_pwait2", "recvfrom", "sendto"):
        assert REQUESTS <= calls[name] <= REQUESTS + SLACK, calls
