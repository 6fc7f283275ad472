"""A machine that runs out of what the daemon needs."""

import errno
import os
import resource
import select
import signal
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon, wait_until
from http_client import Connection, get, request
from undisturbed import connections, scaled, undisturbed

MIB = 1 << 20


def test_descriptors_run_out(directory, report):
    """EMFILE: newcomers wait in the kernel's queue; nothing spins, and they are served later."""
    def attack(server):
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        room = server.descriptors() + 10
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (room, limits[1]))
        with connections(server.address, 100) as clients:
            for client in clients:
                client.send(request("/health"))
            wait_until(lambda: "errno=EMFILE" in server.log(), "EMFILE in the log")
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
            for client in clients:
                assert client.read_response().body == b"OK"

    undisturbed(attack, directory, report)


def test_the_machine_has_no_descriptors_left(directory, report, calls):
    """ENFILE, as a shim says: the same."""
    def attack(server):
        calls.order(accept_error=errno.ENFILE)
        with connections(server.address, 50) as clients:
            for client in clients:
                client.send(request("/health"))
            failures = calls.accept_failures()
            wait_until(lambda: calls.accept_failures() > failures + 3, "more failures of accept4()")
            assert "errno=ENFILE" in server.log()
            calls.order(accept_error=0)
            for client in clients:
                assert client.read_response().body == b"OK"

    undisturbed(attack, directory, report, env=calls.environment)


def test_a_full_log_disk(directory, report):
    """Every line of the log is lost, and nothing else."""
    def attack(server):
        for _ in range(scaled(50, 1000)):
            assert get(server.address, "/generate").status == 200
            with Connection(server.address) as client:
                client.send(b"nonsense\r\n\r\n")
                assert client.read_response().status == 400

    undisturbed(attack, directory, report,
                env={"LOG_FILE": "/dev/full", "LOG_LEVEL": "debug"})


def test_a_storm_of_sighups(directory, report):
    """The log is opened again, and the tokens are read again, as fast as signals come."""
    tokens = directory / "tokens"
    tokens.write_text("a-token-that-is-not-shown\n", encoding="utf-8")
    tokens.chmod(0o600)
    log = directory / "log"

    def attack(server):
        for _ in range(scaled(500, 20000)):
            server.send_signal(signal.SIGHUP)
        lines = log.read_text(encoding="utf-8").count("event=log_reopened")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: log.read_text(encoding="utf-8").count("event=log_reopened") > lines,
                   "the log to be opened again")

    undisturbed(attack, directory, report, env={"LOG_FILE": log})
    with daemon(env={"LOG_FILE": log, "AUTH_TOKEN_FILE": tokens}) as server:
        with Connection(server.address) as client:
            for _ in range(scaled(200, 5000)):
                server.send_signal(signal.SIGHUP)
                assert client.get(
                    "/info", "Authorization: Bearer a-token-that-is-not-shown").status == 200


@pytest.mark.parametrize("limit_mib", [16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 4096])
def test_memory_that_is_refused_at_start_is_said_so(directory, limit_mib):
    """Under a limit of address space it starts and serves, or says ENOMEM; it never crashes."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (limit_mib * MIB, limit_mib * MIB))

    ready, write_end = os.pipe()
    env = {"STATE_DIRECTORY": str(directory), "LOCK_DIRECTORY": str(directory), "WORKERS": "2"}
    process = subprocess.Popen([GO_ID, "serve", "--listen", "127.0.0.1:0", "--ready-fd",
                                str(write_end)], env=env, pass_fds=[write_end], preexec_fn=limit,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    os.close(write_end)
    try:
        readable, _, _ = select.select([ready], [], [], DEADLINE_S)
        assert readable, "neither ready nor over"
        line = os.read(ready, 256).decode()
        if line:
            host, port = line.split()
            assert get((host, int(port)), "/generate").status == 200
            process.terminate()
        _, log = process.communicate(timeout=DEADLINE_S)
    finally:
        os.close(ready)
        process.kill()
        process.wait()
    if line:
        assert process.returncode == 0, log
    else:
        assert process.returncode == 1 and ("=ENOMEM" in log or "=EAGAIN" in log), log
