"""From exec to exit: start, signals, logs, listeners."""

import contextlib
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import threading

import pytest

from harness import DEADLINE_S, GO_ID, STOP_S, daemon, run_to_end, scaled, wait_until
from http_client import Connection, expect_problem, get, request

LOGFMT = re.compile(r'ts=[0-9TZ:.-]+ level=(?:error|warn|info|debug) event=[a-z0-9_]+'
                    r'(?: [a-zA-Z0-9_]+=(?:"(?:[^"\\]|\\.)*"|[^ "=]*))*')


def expect_logfmt(text):
    assert text.endswith("\n")
    for line in text.splitlines():
        assert LOGFMT.fullmatch(line), f"not a logfmt line: {line!r}"


# ---- Start --------------------------------------------------------------------------------------


def test_it_serves_soon_after_exec():
    with daemon() as server:
        print(f"ready {server.ready_after_s * 1000:.1f} ms after fork")
        assert get(server.address, "/generate").status == 200
        assert server.ready_after_s < 5  # 50 ms is the promise; this catches a daemon that sleeps


def test_it_listens_where_it_says():
    with daemon() as server:
        host, port = server.address
        assert host == "127.0.0.1"
        assert port > 0


def test_a_port_in_use_is_a_clear_error():
    with daemon() as server:
        host, port = server.address
        second = run_to_end(["serve", "--listen", f"{host}:{port}"])
        assert second.returncode == 1
        assert f"{host}:{port}" in second.stderr or str(port) in second.stderr
        assert re.search("EADDRINUSE|in use", second.stderr)
        for _ in range(20):
            assert get(server.address, "/health").body == b"OK"


def test_an_address_of_another_machine_is_a_clear_error():
    result = run_to_end(["serve", "--listen", "192.0.2.1:0"])
    assert result.returncode == 1
    assert "192.0.2.1" in result.stderr


# ---- Stop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_on_a_signal(number):
    with daemon() as server:
        assert get(server.address, "/generate").status == 200
        assert server.stop(number) == 0


@pytest.mark.parametrize("data", [
    pytest.param(b"", id="idle"),
    pytest.param(b"GET /health", id="half a head"),
    pytest.param(request("/health", "Content-Length: 5"), id="no body"),
    pytest.param(request("/health"), id="a whole request"),
])
def test_clients_that_do_nothing_more_do_not_keep_it_from_ending(data):
    with daemon(env={"DRAIN_TIMEOUT_MS": 500}) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address)) for _ in range(10)]
        for client in clients:
            assert client.get("/health").body == b"OK"
            client.send(data)
        assert server.stop() == 0


def test_a_client_that_does_not_read_does_not_keep_it_from_ending():
    with daemon(env={"SHARD_ID": "0-255"}) as server, \
         Connection(server.address, receive_buffer=4096) as connection:
        connection.send(200 * request("/generate?count=10000&format=text"))
        assert get(server.address, "/health").body == b"OK"
        assert server.stop() == 0


def test_an_idle_connection_is_closed_without_a_byte():
    with daemon() as server, Connection(server.address) as connection:
        assert connection.get("/health").body == b"OK"
        server.send_signal(signal.SIGTERM)
        connection.expect_close()
        assert server.wait() == 0


def test_new_clients_are_refused_after_the_signal():
    with daemon() as server:
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        with pytest.raises(ConnectionRefusedError):
            Connection(server.address)


def test_requests_that_arrived_before_the_signal_are_answered():
    """The daemon is held, so these are connections that it has not even accepted yet."""
    with daemon() as server, contextlib.ExitStack() as stack:
        server.send_signal(signal.SIGSTOP)
        clients = [stack.enter_context(Connection(server.address)) for _ in range(100)]
        for client in clients:
            client.send(request("/generate"))
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGCONT)
        values = {client.read_response().json()["id"] for client in clients}
        assert len(values) == 100
        assert server.wait() == 0


def test_pipelined_requests_that_arrived_before_the_signal_are_answered():
    with daemon() as server, Connection(server.address) as connection:
        connection.send(b"".join(request(f"/decode/{value}") for value in range(1, 101)))
        server.send_signal(signal.SIGTERM)
        for value in range(1, 101):
            assert connection.read_response().json()["id"] == value
        assert server.wait() == 0


def test_requests_that_wait_for_a_tick_are_finished():
    env = {"SHARD_ID": 7, "WORKERS": 1}
    with daemon(env=env) as server, Connection(server.address) as other, \
         contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address)) for _ in range(4)]
        for client in clients:
            client.send(request("/generate?count=2000"))
        assert other.get("/health").body == b"OK"  # one loop: it has read the others by now
        server.send_signal(signal.SIGTERM)
        for client in clients:
            assert len(client.read_response().json()["ids"]) == 2000
            client.expect_close()
        assert server.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("target", ["/generate", "/generate?count=100&format=text"])
def test_under_load_not_one_request_is_lost(number, target):
    """A client may send until it reads that the connection closes; all of that is answered."""
    clients = 16
    enough = scaled(4000)
    answered = []
    problems = []
    loaded = threading.Event()

    def ask(address):
        try:
            with Connection(address) as connection:
                while not connection.is_closed():
                    response = connection.get(target)
                    assert response.status == 200, response
                    answered.append(response)
                    if len(answered) >= enough:
                        loaded.set()
                    if response.announces_close:
                        connection.expect_close()
                        return
        except BaseException as problem:
            problems.append(problem)
            loaded.set()

    with daemon(env={"SHARD_ID": "64-127"}) as server:
        threads = [threading.Thread(target=ask, args=[server.address]) for _ in range(clients)]
        for thread in threads:
            thread.start()
        assert loaded.wait(DEADLINE_S)
        server.send_signal(number)
        for thread in threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
        assert server.wait() == 0
    assert not problems, problems
    assert len(answered) >= enough


def test_a_client_that_cannot_know_yet_is_answered():
    """A request may be underway when the daemon begins to stop: it waits a moment for those."""
    with daemon(env={"WORKERS": 1}) as server, contextlib.ExitStack() as stack:
        first, *clients = [stack.enter_context(Connection(server.address)) for _ in range(16)]
        for client in clients:
            assert client.get("/health").body == b"OK"
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: first.get("/health").announces_close, "the end to be announced")
        for client in clients:
            client.send(request("/generate"))
        for client in clients:
            response = client.read_response()
            assert response.status == 200
            assert response.announces_close
            client.expect_end()
        assert server.wait() == 0


def test_a_head_that_began_before_the_signal_may_be_completed():
    with daemon(env={"WORKERS": 1}) as server, Connection(server.address) as connection, \
         Connection(server.address) as other:
        data = request("/decode/5")
        connection.send(data[:10])
        assert other.get("/health").body == b"OK"
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: not can_connect(server.address), "the listener closed")
        connection.send(data[10:])
        assert connection.read_response().json()["id"] == 5
        assert server.wait() == 0


def can_connect(address):
    try:
        Connection(address).close()
    except OSError:
        return False
    return True


# ---- Log ----------------------------------------------------------------------------------------


def test_every_line_of_the_log_is_logfmt():
    with daemon(env={"LOG_LEVEL": "debug"}) as server:
        for target in ("/generate", "/nope", "/generate?count=x", "/decode/x", "/health"):
            get(server.address, target)
        assert server.stop() == 0
        expect_logfmt(server.log())


def test_bytes_of_a_client_are_escaped_in_the_log():
    evil = [b'GET /"\x1b[31m HTTP/1.1\r\nHost: \x1b]0;title\x07\r\n\r\n',
            b"\x00\x01\x7f\x80\xff\n\x0blevel=error event=forged\r\n\r\n",
            b"GET /%0Als=1%0D%0Aevent=forged HTTP/1.1\r\nHost: test\r\n\r\n",
            b"GET /\xe2\x80\xae HTTP/1.1\r\nHost: test\r\n\r\n"]
    with daemon(env={"LOG_LEVEL": "debug"}) as server:
        for data in evil:
            with Connection(server.address) as connection:
                connection.send(data)
                response = connection.read_response()
                expect_problem(response, response.status)
        assert server.stop() == 0
        with open(server.log_path, "rb") as file:
            assert not re.search(rb"[^\x20-\x7e\n]", file.read())
        expect_logfmt(server.log())
        assert not re.search(r"^[^\"]*event=forged", server.log(), re.MULTILINE)
        assert 'event=request method=GET path="/%0Als=1%0D%0Aevent=forged"' in server.log()


def test_the_log_file_gets_what_stderr_gets(directory):
    path = directory / "service.log"
    with daemon(env={"LOG_FILE": path}) as server:
        get(server.address, "/health")
        assert server.stop() == 0
        lines = path.read_text().splitlines()
        assert lines
        assert set(lines) <= set(server.log().splitlines())
        expect_logfmt(path.read_text())


def test_the_log_file_is_appended_to(directory):
    path = directory / "service.log"
    path.write_text("what was there\n")
    with daemon(env={"LOG_FILE": path}):
        pass
    assert path.read_text().startswith("what was there\nts=")


def test_sighup_reopens_the_log_file(directory):
    """As logrotate does it: rename, then SIGHUP; no line is lost, none lands in the old file."""
    path, rotated = directory / "service.log", directory / "service.log.1"
    with daemon(env={"LOG_FILE": path}) as server, Connection(server.address) as connection:
        for _ in range(3):
            assert connection.get("/health").body == b"OK"
            path.rename(rotated)
            server.send_signal(signal.SIGHUP)
            wait_until(path.exists, "a new log file")
        assert connection.get("/health").body == b"OK"
        old = rotated.read_text()
        assert server.stop() == 0
        assert rotated.read_text() == old
        assert path.read_text()
        expect_logfmt(path.read_text())


def test_sighup_under_load_loses_no_request(directory):
    path = directory / "service.log"
    with daemon(env={"LOG_FILE": path}) as server, Connection(server.address) as connection:
        for value in range(1, 200):
            if value % 20 == 0:
                server.send_signal(signal.SIGHUP)
            assert connection.get(f"/decode/{value}").json()["id"] == value


def test_a_log_file_that_cannot_be_reopened_does_not_end_the_daemon(directory):
    logs = directory / "logs"
    logs.mkdir()
    path = logs / "service.log"
    with daemon(env={"LOG_FILE": path}) as server:
        path.rename(directory / "old")
        logs.rmdir()
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: re.search("ENOENT|No such file", server.log()), "a word about it")
        assert get(server.address, "/health").body == b"OK"


# ---- Listeners ----------------------------------------------------------------------------------


@pytest.fixture(name="path")
def fixture_path(directory):
    return str(directory / "go-id.sock")


def listening_unix_socket(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    return listener


def test_a_unix_socket_serves_and_is_removed(path):
    with daemon(listen=[f"unix:{path}"]) as server:
        assert server.address == path
        with Connection(path) as connection:
            assert connection.get("/health").body == b"OK"
            assert len(connection.get("/generate?count=1000").json()["ids"]) == 1000
        assert server.stop() == 0
        assert not os.path.lexists(path)


def test_a_unix_socket_serves_many_at_once(path):
    with daemon(listen=[f"unix:{path}"], env={"SHARD_ID": "64-127"}), \
         contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(path)) for _ in range(50)]
        for client in clients:
            client.send(request("/generate"))
        assert len({client.read_response().json()["id"] for client in clients}) == 50


def test_a_stale_unix_socket_is_replaced(path):
    listening_unix_socket(path).close()
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    with daemon(listen=[f"unix:{path}"]):
        assert get(path, "/health").body == b"OK"


def test_a_unix_socket_in_use_is_left_alone(path):
    with contextlib.closing(listening_unix_socket(path)):
        result = run_to_end(["serve", "--listen", f"unix:{path}"])
        assert result.returncode == 1
        assert path in result.stderr
        with Connection(path):
            pass


def test_a_second_daemon_leaves_the_unix_socket_of_the_first_alone(path):
    with daemon(listen=[f"unix:{path}"]):
        assert run_to_end(["serve", "--listen", f"unix:{path}"]).returncode == 1
        assert get(path, "/health").body == b"OK"


def test_a_file_that_is_no_socket_is_left_alone(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("precious")
    result = run_to_end(["serve", "--listen", f"unix:{path}"])
    assert result.returncode == 1
    assert path in result.stderr
    with open(path, encoding="ascii") as file:
        assert file.read() == "precious"


def test_several_addresses_are_served_at_once(path):
    listen = ["127.0.0.1:0", f"unix:{path}", "127.0.0.2:0"]
    with daemon(listen=listen) as server:
        assert len(server.addresses) == 3
        assert path in server.addresses
        for address in server.addresses:
            assert get(address, "/health").body == b"OK"
        assert server.stop() == 0
        assert not os.path.lexists(path)


def test_ipv6_is_served():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    with daemon(listen=["[::1]:0", "127.0.0.1:0"]) as server:
        assert {host.strip("[]") for host, _ in server.addresses} == {"::1", "127.0.0.1"}
        for host, port in server.addresses:
            assert get((host.strip("[]"), port), "/health").body == b"OK"


def test_it_outlives_whoever_read_its_stderr():
    read_end, write_end = os.pipe()
    ready_end, ready_fd = os.pipe()
    process = subprocess.Popen(
        [GO_ID, "serve", "--listen", "127.0.0.1:0", "--ready-fd", str(ready_fd)],
        pass_fds=[ready_fd], stderr=write_end, env={"LOG_LEVEL": "debug"})
    os.close(write_end)
    os.close(ready_fd)
    try:
        with os.fdopen(ready_end) as ready:
            host, port = ready.readline().split()
        os.close(read_end)  # from here on every line it logs meets a broken pipe
        for _ in range(3):
            assert get((host, int(port)), "/health").status == 200
        process.terminate()
        assert process.wait(STOP_S) == 0
    finally:
        process.kill()
        process.wait()


def test_connections_that_come_and_go_do_no_harm():
    """Descriptors pass from one worker to the other; ThreadSanitizer watches in `make test`."""
    errors = []

    def come_and_go():
        try:
            for i in range(scaled(400)):
                with Connection(server.address) as connection:
                    connection.send(request("/generate?count=200"))
                    if i % 3 == 0:
                        assert connection.read_response().status in (200, 503)
                    if i % 3 == 1:  # leave with a reset, not with an end
                        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                     struct.pack("ii", 1, 0))
        except BaseException as error:
            errors.append(error)

    with daemon(env={"WORKERS": 4}) as server:
        threads = [threading.Thread(target=come_and_go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert get(server.address, "/health").status == 200
