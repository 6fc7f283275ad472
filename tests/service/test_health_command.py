"""go-id health, against the daemon and against servers that are none."""

import contextlib
import re
import socket
import threading
import time

import pytest

from harness import DEADLINE_S, daemon, run_to_end

CLOSE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


def health(*args, **options):
    return run_to_end(["health", *args], **options)


def expect_failure(done, reason):
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"go-id health: \S+: {reason}(; .+)?\n", done.stderr), done.stderr


@contextlib.contextmanager
def impostor(*pieces, pause_s=0, hold=False):
    """Yields the URL of a server that answers whatever it is asked with these pieces.

    With hold it keeps the connection open until the client leaves.
    """
    def serve():
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.settimeout(DEADLINE_S)
            requests.append(client.recv(4096))
            for piece in pieces:
                client.sendall(piece.encode())
                time.sleep(pause_s)
            while hold and client.recv(4096):
                pass

    requests = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            thread.join()


@pytest.fixture(name="url")
def fixture_url(server):
    host, port = server.address
    return f"http://{host}:{port}"


# ---- The daemon ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/health", "/health?"])
def test_a_service_that_is_well_is_ok(url, path):
    done = health(url + path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "OK\n", "")


def test_a_name_is_looked_up(server):
    try:
        socket.getaddrinfo("localhost", None)
    except OSError as error:
        pytest.skip(f"this machine does not know localhost: {error}")
    assert health(f"http://localhost:{server.address[1]}/health").returncode == 0


def test_a_name_that_does_not_resolve_is_said_to():
    """One with an empty label, which no resolver asks anybody about."""
    expect_failure(health("http://no..name:7001"), "the host name does not resolve")


def test_another_answer_than_ok_is_a_failure(url):
    expect_failure(health(url + "/nothing"), r'status 404: "[^{\\]+"')
    expect_failure(health(url + "/info"), r'status 200: ".*"')


def test_ipv6_goes_in_brackets():
    with daemon(listen=["[::1]:0"]) as server:
        assert health(f"http://[::1]:{server.address[1]}/health").returncode == 0


def test_a_unix_socket_can_be_asked(directory):
    with daemon(listen=[f"unix:{directory}/socket"]):
        assert health(f"unix:{directory}/socket").stdout == "OK\n"
    expect_failure(health(f"unix:{directory}/socket"), "connect failed: ENOENT")


def test_the_port_comes_from_the_settings(server):
    port = server.address[1]
    assert health(env={"SERVICE_PORT": port}).returncode == 0
    assert health(config=f"SERVICE_PORT={port}\n").returncode == 0
    assert health(config="SERVICE_PORT=1\n", env={"SERVICE_PORT": port}).returncode == 0


def test_bad_settings_are_no_default():
    done = health(env={"SERVICE_PORT": "0"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "'SERVICE_PORT' must be a number from 1 to 65535" in done.stderr


def test_nobody_there_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    expect_failure(health(f"http://127.0.0.1:{port}"), "connect failed: ECONNREFUSED")


# ---- Servers that are none -----------------------------------------------------------------------


def test_the_question_is_a_plain_request():
    with impostor(CLOSE) as (url, requests):
        assert health(url).returncode == 0
    host = url.removeprefix("http://")
    assert requests == [f"GET /health HTTP/1.1\r\nHost: {host}\r\n"
                        "Connection: close\r\n\r\n".encode()]


def test_an_answer_may_come_in_pieces():
    with impostor(*CLOSE) as (url, _):
        assert health(url).stdout == "OK\n"


def test_the_reason_of_the_service_is_shown_escaped():
    text = "HTTP/1.1 503 Service Unavailable\r\n\r\nthe clock is \x1b[1mbehind\n"
    with impostor(text) as (url, _):
        expect_failure(health(url), r'status 503: "the clock is \\x1b\[1mbehind\\x0a"')


@pytest.mark.parametrize("body, shown", [
    ('{"title":"x","detail":"not now, later","y":1}', "not now, later"),
    ('{"detail":""}', ""),
    ('{"detail":"a \\"quote\\""}', '{"detail":"a \\"quote\\""}'),
    ('{"detail":"cut', '{"detail":"cut'),
    ('{"detail":"', '{"detail":"'),
    ('{"detail":', '{"detail":'),
])
def test_of_a_problem_the_detail_is_shown(body, shown):
    """As far as it can be shown as it stands; else the body is, with nothing left out."""
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    with impostor(f"HTTP/1.1 503 Service Unavailable\r\n\r\n{body}") as (url, _):
        expect_failure(health(url), re.escape(f'status 503: "{quoted}"'))


@pytest.mark.parametrize("answer", [
    "", "OK", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\nOK", "HTTP/1.1 000 OK\r\n\r\nOK", "HTTP/2 200\r\n\r\nOK",
    "ICY 200 OK\r\n\r\nOK", "HTTP/1.1 200 OK\r\n\r\n" + "x" * 100_000,
])
def test_what_is_no_answer_is_a_failure(answer):
    with impostor(answer) as (url, _):
        done = health(url)
    expect_failure(done, "receive failed: (EPROTO|ECONNRESET)")


def test_a_body_that_only_begins_well_is_a_failure():
    with impostor("HTTP/1.1 200 OK\r\n\r\nOK, but") as (url, _):
        expect_failure(health(url), 'status 200: "OK, but"')


def test_silence_ends_at_the_deadline():
    with impostor(hold=True) as (url, _):
        start = time.monotonic()
        expect_failure(health("--timeout-ms", "200", url), "receive failed: ETIMEDOUT")
        assert 0.2 <= time.monotonic() - start < DEADLINE_S / 2


def test_the_deadline_is_for_the_whole_answer():
    with impostor(*"HTTP/1.1 200 OK\r\n\r\n".ljust(1000, "x"), pause_s=0.02) as (url, _):
        start = time.monotonic()
        expect_failure(health("--timeout-ms", "300", url), "receive failed: ETIMEDOUT")
        assert 0.3 <= time.monotonic() - start < DEADLINE_S / 2


@pytest.mark.parametrize("url", [
    "", "localhost", "127.0.0.1:7001", "https://127.0.0.1", "http://", "http:///health",
    "http://:7001", "http://a:", "http://a:0", "http://a:65536", "http://a:x", "http://::1:7001/",
    "unix:", "http://a/ b", "http://a/\nX:y", "http://a/\x7f", f"http://a/{'x' * 300}",
    f"http://{'x' * 300}/",
])
def test_what_is_no_url_is_refused(url):
    done = health(url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"go-id health: '{url}' is no URL of the form "
                           "http://host[:port][/path] or unix:/path\n")


@pytest.mark.parametrize("text", ["", "0", "-1", "600001", "1s", "1.5"])
def test_a_bad_timeout_is_refused(text):
    done = health("--timeout-ms", text, "http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr == f"go-id health: --timeout-ms must be from 1 to 600000, not '{text}'\n"
