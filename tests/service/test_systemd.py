"""Under a service manager: what it is told (sd_notify), and the sockets that it passes.

The manager is this test: a datagram socket for the messages, real sockets as descriptors from 3 on.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from harness import DEADLINE_S, GO_ID, daemon, run_to_end, wait_until
from http_client import Connection, get, request

WATCHDOG_US = 1_000_000


class Manager:
    """The end of NOTIFY_SOCKET where a service manager listens."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE_S)
        self.socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)

    def next(self):
        """The next message, as a dictionary."""
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def await_(self, condition, what):
        """The first message that fits; each costs a tick, so the count is a deadline."""
        for _ in range(200):
            message = self.next()
            if condition(message):
                return message
        raise AssertionError(f"200 messages, and not: {what}")

    def waiting(self):
        """The messages that have come already."""
        found = []
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.next())
        self.socket.settimeout(DEADLINE_S)
        return found

    def close(self):
        self.socket.close()


@pytest.fixture(name="manager")
def fixture_manager(directory):
    """Closed before the folder goes."""
    with contextlib.closing(Manager(str(directory / "notify"))) as manager:
        yield manager


def watched(manager, **env):
    return {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": WATCHDOG_US, **env}


# ---- Messages -----------------------------------------------------------------------------------


def test_ready_is_said_once_clients_can_connect_and_stopping_before_the_end(manager):
    env = {"NOTIFY_SOCKET": manager.name, "SHARD_ID": "64-127"}
    with daemon(env=env) as server:
        assert manager.next() == {"READY": "1", "STATUS": "shards 64-127: OK, 0 ids/s"}
        assert get(server.address, "/generate").status == 200
        assert server.stop() == 0
        stopping = manager.await_(lambda m: "STOPPING" in m, "STOPPING=1")
        # The worker may not have seen yet that the client of the request has gone.
        assert re.fullmatch("stopping, [01] connections", stopping["STATUS"])


def test_an_abstract_socket_will_do(directory):
    name = f"@go-id-test{directory}"
    with contextlib.closing(Manager(name)) as manager, daemon(env={"NOTIFY_SOCKET": name}):
        assert manager.next()["READY"] == "1"


def test_a_reload_begins_and_ends(manager, directory):
    log = directory / "log"
    with daemon(env={"NOTIFY_SOCKET": manager.name, "LOG_FILE": log}) as server:
        manager.next()
        log.rename(directory / "old")
        server.send_signal(signal.SIGHUP)
        begin = manager.await_(lambda m: "RELOADING" in m, "RELOADING=1")
        assert re.fullmatch("[0-9]+", begin["MONOTONIC_USEC"])
        manager.await_(lambda m: m == {"READY": "1"}, "READY=1")
        assert log.exists()


@pytest.mark.parametrize("name", ["", "notify", "vsock:2:7", "/" + 200 * "x"])
def test_a_socket_that_cannot_be_is_a_warning(name):
    with daemon(env={"NOTIFY_SOCKET": name}) as server:
        assert get(server.address, "/health").body == b"OK"
        assert "event=notify_unusable" in server.log()


def test_a_manager_that_is_gone_is_a_warning(directory):
    with daemon(env={"NOTIFY_SOCKET": directory / "gone"}) as server:
        assert get(server.address, "/health").body == b"OK"
        wait_until(lambda: "event=notify_failed errno=ENOENT" in server.log(), "a warning")


def test_without_a_manager_nothing_ticks():
    """No timer, no descriptor more than without this feature."""
    with daemon(env={"WATCHDOG_USEC": WATCHDOG_US}) as server:
        links = [os.readlink(f"/proc/{server.pid}/fd/{fd}")
                 for fd in os.listdir(f"/proc/{server.pid}/fd")]
        assert not [link for link in links if "timerfd" in link]


def test_a_start_that_waits_for_the_clock_asks_for_time(manager):
    """Whether the kernel's clock is synchronised or not, it first says that it waits."""
    env = {"NOTIFY_SOCKET": manager.name, "REQUIRE_CLOCK_SYNC": "1", "PATH": os.environ["PATH"],
           "STATE_DIRECTORY": os.path.dirname(manager.name),
           "LOCK_DIRECTORY": os.path.dirname(manager.name)}
    process = subprocess.Popen([GO_ID, "serve", "--listen", "127.0.0.1:0"], env=env,
                               stderr=subprocess.DEVNULL)
    try:
        message = manager.next()
        assert message["STATUS"] == "waiting for a synchronised clock"
        assert int(message["EXTEND_TIMEOUT_USEC"]) > 10**12
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


# ---- Rate and health ----------------------------------------------------------------------------


def test_the_status_tells_the_rate(manager):
    with daemon(env=watched(manager, SHARD_ID="0-99")) as server, \
         Connection(server.address) as connection:
        manager.next()
        issued = 0
        pattern = re.compile("shards 0-99: OK, ([1-9][0-9]*) ids/s")
        while True:
            assert len(connection.get("/generate?count=1000").json()["ids"]) == 1000
            issued += 1000
            rates = [pattern.fullmatch(m.get("STATUS", "")) for m in manager.waiting()]
            rates = [int(rate[1]) for rate in rates if rate]
            if rates:
                break
        # No more ids than were asked for, by a tick of half a second that never comes early.
        assert 1000 <= rates[0] <= 2 * (issued + 1000)
        manager.await_(lambda m: m.get("STATUS") == "shards 0-99: OK, 0 ids/s", "no ids any more")


def test_head_and_errors_are_no_ids(manager):
    with daemon(env=watched(manager)) as server:
        manager.next()
        for _ in range(20):
            with Connection(server.address) as connection:
                connection.send(request("/generate", method="HEAD"))
                connection.send(request("/generate?count=0"))
        for _ in range(3):
            assert manager.next() == {"WATCHDOG": "1"}  # the status is what it was: no rate


# ---- Watchdog -----------------------------------------------------------------------------------

PTRACE = ctypes.CDLL(None, use_errno=True).ptrace
PTRACE.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


@contextlib.contextmanager
def stopped_thread(pid, name):
    """Stops one thread of a process, as a debugger does."""
    [tid] = [int(tid) for tid in os.listdir(f"/proc/{pid}/task")
             if open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8").read().strip() == name]
    for call in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        assert PTRACE(call, tid, None, None) == 0, os.strerror(ctypes.get_errno())
    assert os.waitpid(tid, 0x40000000)[0] == tid  # __WALL
    try:
        yield
    finally:
        assert PTRACE(PTRACE_DETACH, tid, None, None) == 0


def test_idle_workers_keep_the_watchdog_content(manager):
    with daemon(env=watched(manager, WORKERS=4)):
        assert manager.next()["READY"] == "1"
        for _ in range(4):
            assert manager.next() == {"WATCHDOG": "1"}


def test_a_worker_that_hangs_starves_the_watchdog(manager):
    with daemon(env=watched(manager, WORKERS=2)) as server:
        assert manager.next()["READY"] == "1"
        with stopped_thread(server.pid, "worker-2"):
            manager.await_(lambda m: m.get("STATUS") == "shard 1: failed, 1 workers hang",
                           "a status that says so")
            stalls = server.log().count("event=worker_stalled worker=2")
            assert stalls >= 1
            # From here on the worker is known to hang; ticks go by, and none says otherwise.
            wait_until(lambda: server.log().count("event=worker_stalled") >= stalls + 2, "ticks")
            assert [m for m in manager.waiting() if "WATCHDOG" in m] == []
        message = manager.await_(lambda m: "WATCHDOG" in m, "a worker that goes on")
        assert message["STATUS"] == "shard 1: OK, 0 ids/s"


@pytest.mark.parametrize("env", [{"WATCHDOG_USEC": "30s"}, {"WATCHDOG_USEC": "0"},
                                 {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "me"}])
def test_a_watchdog_that_cannot_be_is_a_warning(manager, env):
    with daemon(env={"NOTIFY_SOCKET": manager.name, **env}) as server:
        assert manager.next()["READY"] == "1"
        assert "event=watchdog_unusable" in server.log()


def test_a_watchdog_for_another_process_is_none(manager):
    with daemon(env=watched(manager, WATCHDOG_PID=1)) as server:
        assert manager.next()["READY"] == "1"
        assert "watchdog" not in server.log()
        assert server.stop() == 0
        assert [m for m in manager.waiting() if "WATCHDOG" in m] == []


# ---- Sockets ------------------------------------------------------------------------------------

# Becomes the daemon with sockets at 3, 4, ... and LISTEN_PID as only the process itself knows it.
LAUNCHER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
high = [os.dup(fd) for fd in fds]  # none of them is where another one is going to
while min(high) < 3 + len(high):
    high = [os.dup(fd) for fd in high]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def handed_over(directory, sockets, names=None, env=None, args=()):
    """A daemon that gets the sockets from its manager; yields the process and the log's path."""
    log_path = directory / "stderr"
    environment = {"PATH": os.environ["PATH"], "STATE_DIRECTORY": str(directory),
                   "LOCK_DIRECTORY": str(directory), "LISTEN_FDS": str(len(sockets)),
                   **({"LISTEN_FDNAMES": names} if names is not None else {}), **(env or {})}
    fds = [s.fileno() for s in sockets]
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, ",".join(map(str, fds)), GO_ID, "serve", *args],
            env=environment, pass_fds=fds, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process, log_path
    finally:
        process.kill()
        process.wait()


def tcp(family=socket.AF_INET, host="127.0.0.1", listen=True):
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((host, 0))
    if listen:
        listener.listen(16)
    return listener


def test_sockets_that_are_passed_stand_for_listen_address(directory):
    path = str(directory / "socket")
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(path)
    local.listen(16)
    with contextlib.closing(tcp()) as listener, contextlib.closing(local), \
         Connection(listener.getsockname()) as early:
        early.send(request("/generate"))  # before there is a daemon
        with handed_over(directory, [listener, local], "web:local") as (process, log):
            assert early.read_response().status == 200
            assert get(listener.getsockname(), "/health").body == b"OK"
            assert get(path, "/health").body == b"OK"
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
            text = log.read_text()
            assert "event=listen_address_replaced sockets=2" in text
            assert f'address=unix:{path} fd=4 name="local"' in text
            assert "7001" not in text
        # The manager still listens: who comes now waits for the next daemon.
        assert os.path.exists(path)
        with Connection(listener.getsockname()) as waiting:
            waiting.send(request("/generate"))
            with handed_over(directory, [listener, local]) as (process, log):
                assert waiting.read_response().status == 200
                process.terminate()
                assert process.wait(DEADLINE_S) == 0


def test_a_restart_under_load_loses_no_connection(directory):
    """Each request has a connection of its own; with the manager's socket none is refused."""
    with contextlib.closing(tcp()) as listener:
        listener.listen(1000)
        address = listener.getsockname()
        ids = []
        for _ in range(3):
            with handed_over(directory, [listener]) as (process, _):
                for _ in range(20):
                    ids.append(get(address, "/generate").json()["id"])
                process.terminate()
                with contextlib.ExitStack() as stack:
                    late = [stack.enter_context(Connection(address)) for _ in range(20)]
                    for connection in late:
                        connection.send(request("/generate", "Connection: close"))
                    assert process.wait(DEADLINE_S) == 0
                    with handed_over(directory, [listener]) as (second, _):
                        ids += [connection.read_response().json()["id"] for connection in late]
                        assert get(address, "/health").body == b"OK"  # it is up
                        second.terminate()
                        assert second.wait(DEADLINE_S) == 0
        assert len(set(ids)) == len(ids) == 120


def test_sockets_for_another_process_are_left_alone():
    env = {"LISTEN_FDS": 1, "LISTEN_PID": 1}
    with daemon(env=env) as server:
        assert get(server.address, "/health").body == b"OK"
        assert "event=activation_ignored listen_pid=1" in server.log()
        assert "listen_address_replaced" not in server.log()


def bad_sockets():
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.bind(("127.0.0.1", 0))
    return {"deaf": (tcp(listen=False), None, "it does not listen"),
            "datagram": (datagram, None, "it is not a stream socket"),
            "names": (tcp(), "a:b", "as many names")}


@pytest.mark.parametrize("kind", ["deaf", "datagram", "names"])
def test_a_socket_that_will_not_do_is_a_clear_error(directory, kind):
    sockets = bad_sockets()
    bad, names, words = sockets[kind]
    with handed_over(directory, [bad], names) as (process, log):
        assert process.wait(DEADLINE_S) == 1
        assert "event=activation_failed" in log.read_text()
        assert words in log.read_text()
    for other, _, _ in sockets.values():
        other.close()


def test_a_ready_fd_among_the_sockets_is_a_clear_error(directory):
    with contextlib.closing(tcp()) as listener, \
         handed_over(directory, [listener], args=("--ready-fd", "3")) as (process, log):
        assert process.wait(DEADLINE_S) == 1
        assert "LISTEN_FDS counts" in log.read_text()


# ---- A log file with a bound --------------------------------------------------------------------


def test_the_log_file_stays_within_its_bound(directory):
    path, full = directory / "service.log", directory / "service.log.1"
    env = {"LOG_FILE": path, "LOG_FILE_MAX": "64K", "LOG_LEVEL": "debug", "WORKERS": 2}
    with daemon(env=env) as server, Connection(server.address) as connection:
        value = 0
        while not full.exists():
            value += 1
            connection.send(b"".join(request(f"/decode/{value}") for _ in range(50)))
            for _ in range(50):
                assert connection.read_response().json()["id"] == value
        assert server.stop() == 0
    assert 65536 - 1024 < full.stat().st_size <= 65536
    assert 0 < path.stat().st_size <= 65536
    lines = full.read_text().splitlines() + path.read_text().splitlines()
    assert lines[0].startswith("ts=")
    assert lines == server_lines(lines)


def server_lines(lines):
    """Those that are whole: a time, a level, an event."""
    return [line for line in lines if re.match(r"ts=\S+ level=\w+ event=\w+", line)]


def test_a_bound_that_makes_no_sense_is_refused():
    done = run_to_end(["serve"], env={"LOG_FILE_MAX": "8MB"})
    assert done.returncode == 2
    assert "'LOG_FILE_MAX' must be a size from 64K to 1024G such as 8M, or 0" in done.stderr
