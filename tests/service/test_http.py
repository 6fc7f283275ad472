"""HTTP/1.1 and HTTP/1.0 as a connection sees them."""

import email.utils
import re
import shutil
import socket
import subprocess
import time

import pytest

from harness import daemon, wait_until
from http_client import Connection, expect_problem, get, request
from ids import is_increasing

DAEMON = {"env": {"SHARD_ID": "64-127"}}

BODY_MAX = 65536  # bytes of a request body that are read and thrown away
HEAD_MAX = 8192
TARGET_MAX = 4096
SMUGGLED = request("/decode/666")  # an answer to this means that a body was taken for a request


def padded_to(length, *fields):
    """A request whose head has exactly so many bytes."""
    padding = length - len(request("/health", *fields, "X-Field: "))
    return request("/health", *fields, "X-Field: " + padding * "a")


def chunked(*chunks, trailer=b""):
    sized = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return sized + b"0\r\n" + trailer + b"\r\n"


def expect_id(response, value):
    assert response.status == 200
    assert response.json()["id"] == value


# ---- Keep-alive ---------------------------------------------------------------------------------


def test_a_connection_serves_many_requests(server):
    with Connection(server.address) as connection:
        for value in range(1, 300):
            response = connection.get(f"/decode/{value}")
            expect_id(response, value)
            assert response.version == "HTTP/1.1"
            assert not response.announces_close


@pytest.mark.parametrize("field", ["Connection: close", "CONNECTION: Close",
                                   "Connection: foo, close", "Connection:close"])
def test_connection_close_is_obeyed_and_announced(server, field):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", field) + SMUGGLED)
        response = connection.read_response()
        expect_id(response, 5)
        assert response.announces_close
        connection.expect_close()


def test_http_1_0_closes_unless_asked_not_to(server):
    with Connection(server.address) as connection:
        response = connection.get("/decode/5", version="HTTP/1.0", host=None)
        expect_id(response, 5)
        assert response.announces_close or response.version == "HTTP/1.0"
        connection.expect_close()


def test_http_1_0_keeps_the_connection_when_asked_to(server):
    with Connection(server.address) as connection:
        for value in range(1, 20):
            response = connection.get(f"/decode/{value}", "Connection: keep-alive",
                                      version="HTTP/1.0", host=None)
            expect_id(response, value)
            assert "keep-alive" in response.connection_options
        expect_id(connection.get("/decode/5", version="HTTP/1.0"), 5)
        connection.expect_close()


def test_every_answer_bears_the_date(server):
    for target in ("/health", "/generate", "/nope"):
        date = get(server.address, target).headers["date"]
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 30


# ---- Pipelining ---------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(server):
    with Connection(server.address) as connection:
        connection.send(b"".join(request(f"/decode/{value}") for value in range(1, 101)))
        for value in range(1, 101):
            expect_id(connection.read_response(), value)


def test_pipelined_ids_increase(server):
    """Some of these wait for the next tick; those behind them wait for them."""
    values = []
    with Connection(server.address) as connection:
        connection.send(20 * (request("/generate?count=5000") + 3 * request("/generate")))
        for _ in range(20):
            values += connection.read_response().json()["ids"]
            values += [connection.read_response().json()["id"] for _ in range(3)]
    assert is_increasing(values)


def test_more_pipelined_requests_than_any_buffer_holds_are_answered(server):
    """As long as the client reads, it may send without a pause."""
    with Connection(server.address) as connection:
        for first in range(1, 4000, 400):
            values = range(first, first + 400)
            connection.send(b"".join(request(f"/decode/{value}") for value in values))
            for value in values:
                expect_id(connection.read_response(), value)


def test_pipelined_requests_of_all_kinds_are_answered_in_order(server):
    with Connection(server.address) as connection:
        connection.send(
            request("/decode/1") + request("/nope") + request("/decode/2", method="HEAD")
            + request("/decode/3", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED)
            + request("/generate?count=2000&format=binary")
            + request("/decode/4", "Transfer-Encoding: chunked", body=chunked(SMUGGLED))
            + request("/generate?count=0") + request("/decode/5"))
        expect_id(connection.read_response(), 1)
        expect_problem(connection.read_response(), 404)
        assert connection.read_response(head=True).status == 200
        expect_id(connection.read_response(), 3)
        assert len(connection.read_response().body) == 16000
        expect_id(connection.read_response(), 4)
        expect_problem(connection.read_response(), 400)
        expect_id(connection.read_response(), 5)


def test_pipelined_requests_are_answered_in_one_write(directory):
    trace = directory / "trace"
    # -D: the daemon, not strace, is our child.
    tracer = ["strace", "-D", "-f", "-qq", "-s", "40", "-e", "trace=write,writev,sendto,sendmsg",
              "-o", str(trace)]
    why_not = reason_against(tracer)
    if why_not:
        pytest.skip(why_not)
    env = {"ASAN_OPTIONS": "detect_leaks=0"}  # it cannot look for leaks while it is traced
    with daemon(env=env, tracer=tracer) as server:
        with Connection(server.address) as connection:
            connection.send(b"".join(request(f"/decode/{value}") for value in range(1, 101)))
            for value in range(1, 101):
                expect_id(connection.read_response(), value)
    writes = [line for line in trace.read_text().splitlines() if "HTTP/1.1 200" in line]
    assert len(writes) == 1, writes


def reason_against(tracer):
    """Why strace cannot be used here, or None."""
    if shutil.which(tracer[0]) is None:
        return "strace is not installed"
    probe = subprocess.run([*tracer, "true"], capture_output=True, text=True, check=False)
    return f"strace does not work here: {probe.stderr.strip()}" if probe.returncode else None


# ---- Bodies that nobody asked for ---------------------------------------------------------------


def test_a_body_is_read_and_thrown_away(server):
    with Connection(server.address) as connection:
        for length in (0, 1, len(SMUGGLED), 5000, BODY_MAX):
            body = (SMUGGLED * (length // len(SMUGGLED) + 1))[:length]
            connection.send(request("/decode/5", f"Content-Length: {length}", body=body))
            expect_id(connection.read_response(), 5)
            expect_id(connection.get("/decode/6"), 6)


def test_a_chunked_body_is_read_and_thrown_away(server):
    bodies = [
        chunked(),
        chunked(b"hello"),
        chunked(SMUGGLED, SMUGGLED),
        chunked(*[b"ab"] * 500),
        chunked(b"x" * 60000),
        b"5;name=value;other=\"quoted\"\r\nhello\r\n0\r\n\r\n",
        b"00005\r\nhello\r\n000\r\n\r\n",
        b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        chunked(b"hello", trailer=b"X-Trailer: one\r\nX-Other: two\r\n"),
    ]
    with Connection(server.address) as connection:
        for body in bodies:
            connection.send(request("/decode/5", "Transfer-Encoding: chunked", body=body))
            expect_id(connection.read_response(), 5)
            expect_id(connection.get("/decode/6"), 6)


def test_transfer_encoding_is_recognised_in_any_case(server):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", "TRANSFER-encoding: Chunked", body=chunked(SMUGGLED)))
        expect_id(connection.read_response(), 5)
        expect_id(connection.get("/decode/6"), 6)


def test_a_body_may_come_in_pieces(server):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", f"Content-Length: {len(SMUGGLED)}"))
        for index in range(len(SMUGGLED)):
            connection.send(SMUGGLED[index:index + 1])
        expect_id(connection.read_response(), 5)
        expect_id(connection.get("/decode/6"), 6)


def test_a_chunked_body_may_be_cut_anywhere(server):
    data = (request("/decode/5", "Transfer-Encoding: chunked",
                    body=chunked(b"hello", SMUGGLED, trailer=b"X-Trailer: one\r\n"))
            + request("/decode/6"))
    with Connection(server.address) as connection:
        for cut in range(1, len(data)):
            connection.send(data[:cut])
            connection.send(data[cut:])
            expect_id(connection.read_response(), 5)
            expect_id(connection.read_response(), 6)


def test_a_body_above_the_bound_is_refused_even_if_it_is_sent(server):
    """The client is still sending when it is refused; it gets the answer all the same."""
    with Connection(server.address) as connection:
        length = 4 * BODY_MAX
        connection.send_all_it_takes(
            request("/health", f"Content-Length: {length}", body=length * b"x"))
        expect_problem(connection.read_response(), 413)
        connection.expect_end()


def test_chunks_above_the_bound_are_refused(server):
    with Connection(server.address) as connection:
        connection.send_all_it_takes(request("/health", "Transfer-Encoding: chunked",
                                             body=chunked(*[1000 * b"x"] * 100)))
        expect_problem(connection.read_response(), 413)
        connection.expect_close()


def test_endless_chunk_extensions_and_trailers_are_refused(server):
    for body in (b"1;" + 100_000 * b"x", b"0\r\n" + 10_000 * b"X-Trailer: x\r\n",
                 b"0\r\nX: " + 100_000 * b"x"):
        with Connection(server.address) as connection:
            connection.send_all_it_takes(
                request("/health", "Transfer-Encoding: chunked", body=body))
            response = connection.read_response()
            assert response.status in (400, 413, 431)
            expect_problem(response, response.status)
            connection.expect_close()


# ---- Expect: 100-continue -----------------------------------------------------------------------


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_100_continue_asks_for_the_body(server, field):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", "Expect: 100-continue", field))
        assert connection.read_response().status == 100
        connection.send(b"hello" if field.startswith("C") else chunked(b"hello"))
        expect_id(connection.read_response(), 5)
        expect_id(connection.get("/decode/6"), 6)


def test_100_continue_is_recognised_in_any_case(server):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", "eXPECT: 100-Continue", "Content-Length: 5"))
        assert connection.read_response().status == 100
        connection.send(b"hello")
        expect_id(connection.read_response(), 5)


def test_100_continue_is_not_said_for_a_body_that_is_refused(server):
    with Connection(server.address) as connection:
        response = connection.get("/health", "Expect: 100-continue",
                                  f"Content-Length: {BODY_MAX + 1}")
        expect_problem(response, 413)
        assert response.announces_close
        connection.expect_close()


@pytest.mark.parametrize("fields", [[], ["Content-Length: 0"]])
def test_100_continue_is_not_said_without_a_body(server, fields):
    with Connection(server.address) as connection:
        expect_id(connection.get("/decode/5", "Expect: 100-continue", *fields), 5)


def test_100_continue_is_not_said_to_http_1_0(server):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", "Expect: 100-continue", "Content-Length: 5",
                                version="HTTP/1.0", body=b"hello"))
        expect_id(connection.read_response(), 5)


def test_100_continue_may_be_left_out_when_the_body_is_there(server):
    with Connection(server.address) as connection:
        connection.send(request("/decode/5", "Expect: 100-continue", "Content-Length: 5",
                                body=b"hello") + request("/decode/6"))
        response = connection.read_response()
        if response.status == 100:
            response = connection.read_response()
        expect_id(response, 5)
        expect_id(connection.read_response(), 6)


# ---- Targets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [
    "http://example.com/decode/5", "http://example.com:7001/decode/5",
    "HTTP://EXAMPLE.COM/decode/5", "https://example.com/decode/5", "http://[::1]:7001/decode/5",
])
def test_the_target_may_be_absolute(server, target):
    with Connection(server.address) as connection:
        expect_id(connection.get(target), 5)


def test_an_absolute_target_keeps_its_query(server):
    response = get(server.address, "http://example.com/generate?count=3&format=text")
    assert response.body.count(b"\n") == 3


@pytest.mark.parametrize("target", ["http://example.com", "http://example.com/", "/?"])
def test_an_empty_path_is_the_root(server, target):
    """Whoever does not take gzip gets the console's words there (RFC 9110, 4.2.3)."""
    response = get(server.address, target)
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("target", ["/decode/%31%32", "/%64ecode/12", "/%64%65%63%6F%64%65/1%32",
                                    "/decode/%312"])
def test_the_path_may_be_percent_encoded(server, target):
    expect_id(get(server.address, target), 12)


@pytest.mark.parametrize("query", ["%63ount=3", "count=%33", "%63%6f%75%6E%74=%33"])
def test_the_query_may_be_percent_encoded(server, query):
    assert len(get(server.address, "/generate?" + query).json()["ids"]) == 3


def test_a_target_of_4_kib_is_read(server):
    """It is not found, but not too long either."""
    expect_problem(get(server.address, "/".ljust(TARGET_MAX, "a")), 404)
    expect_problem(get(server.address, "/".ljust(TARGET_MAX + 1, "a")), 414)


# ---- Heads --------------------------------------------------------------------------------------


def test_field_names_are_recognised_in_any_case(server):
    with Connection(server.address) as connection:
        connection.send(b"GET /decode/5 HTTP/1.1\r\nhOsT: test\r\ncOnTeNt-LeNgTh:5\r\n\r\nhello"
                        b"GET /decode/6 HTTP/1.1\r\nHOST:   test  \r\n\r\n")
        expect_id(connection.read_response(), 5)
        expect_id(connection.read_response(), 6)


def test_fields_of_no_interest_are_ignored(server):
    fields = ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Cookie: a=b; c=d",
              "User-Agent: \xe9t\xe9", "X-Empty:", "Range: bytes=0-0", "If-None-Match: *",
              *[f"X-Field-{number}: value" for number in range(50)]]
    expect_id(get(server.address, "/decode/5", *fields), 5)


def test_an_empty_line_before_a_request_is_skipped(server):
    """As RFC 9112, section 2.2 asks: some clients send one after a body."""
    with Connection(server.address) as connection:
        connection.send(b"\r\n" + request("/decode/5"))
        expect_id(connection.read_response(), 5)
        connection.send(b"\r\n" + request("/decode/6"))
        expect_id(connection.read_response(), 6)


def test_a_head_of_8_kib_is_read(server):
    with Connection(server.address) as connection:
        for length in (HEAD_MAX - 1, HEAD_MAX):
            connection.send(padded_to(length))
            assert connection.read_response().body == b"OK"
        connection.send_all_it_takes(padded_to(HEAD_MAX + 1))
        expect_problem(connection.read_response(), 431)
        connection.expect_close()


@pytest.mark.parametrize("length", [HEAD_MAX - 1, HEAD_MAX])
@pytest.mark.parametrize("field, body", [("Content-Length: 5", b"hello"),
                                         ("Transfer-Encoding: chunked", chunked(b"hello"))])
def test_a_body_may_follow_the_longest_head(server, length, field, body):
    """The client waits for 100, so that head and body are read apart."""
    with Connection(server.address) as connection:
        connection.send(padded_to(length, "Expect: 100-continue", field))
        assert connection.read_response().status == 100
        connection.send(body)
        assert connection.read_response().body == b"OK"
        assert connection.get("/health").body == b"OK"


def test_a_head_that_does_not_end_is_refused_once_it_is_too_long(server):
    with Connection(server.address) as connection:
        connection.send_all_it_takes(b"GET /health HTTP/1.1\r\nX-Field: " + HEAD_MAX * b"a")
        expect_problem(connection.read_response(), 431)
        connection.expect_close()


def test_a_refused_client_may_go_on_sending_and_still_reads_why(server):
    """A close with unread bytes would be a reset, and the answer could be lost on the way."""
    with Connection(server.address) as connection:
        connection.send_all_it_takes(b"GET /health HTTP/1.1\r\nX-Field: " + 500_000 * b"a")
        expect_problem(connection.read_response(), 431)
        connection.expect_end()


def test_a_request_may_come_byte_by_byte(server):
    data = request("/decode/5", "Accept: */*", "Content-Length: 3", body=b"abc")
    with Connection(server.address) as connection:
        for _ in range(5):
            for index in range(len(data)):
                connection.send(data[index:index + 1])
            expect_id(connection.read_response(), 5)


def test_two_requests_may_be_cut_anywhere(server):
    data = request("/decode/5", "Accept: */*") + request("/decode/6")
    with Connection(server.address) as connection:
        for cut in range(1, len(data)):
            connection.send(data[:cut])
            connection.send(data[cut:])
            expect_id(connection.read_response(), 5)
            expect_id(connection.read_response(), 6)


# ---- Half-closed connections --------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/decode/5", "/generate?count=10000&format=text"])
def test_a_client_that_has_ended_sending_gets_its_answer(server, target):
    with Connection(server.address) as connection:
        connection.send(request(target))
        connection.end_sending()
        response = connection.read_response()
        assert response.status == 200
        assert response.body
        connection.expect_close()


def test_all_pipelined_requests_are_answered_after_the_end(server):
    with Connection(server.address) as connection:
        connection.send(b"".join(request(f"/decode/{value}") for value in range(1, 101)))
        connection.end_sending()
        for value in range(1, 101):
            expect_id(connection.read_response(), value)
        connection.expect_close()


def test_a_client_that_waits_for_a_tick_gets_its_answer_after_the_end():
    with daemon(env={"SHARD_ID": 7}) as server, Connection(server.address) as connection:
        connection.send(request("/generate?count=5000"))
        connection.end_sending()
        assert len(connection.read_response().json()["ids"]) == 5000
        connection.expect_close()


@pytest.mark.parametrize("data", [b"", b"GET", request("/health")[:-2],
                                  request("/health", "Content-Length: 5", body=b"hell")])
def test_a_request_that_ends_too_early_closes_the_connection(server, data):
    with Connection(server.address) as connection:
        connection.send(data)
        connection.end_sending()
        if data and connection.has_input(1) and not is_at_end(connection):
            expect_problem(connection.read_response(), 400)
        connection.expect_close()


def is_at_end(connection):
    return connection.socket.recv(1, socket.MSG_PEEK) == b""


def test_a_client_that_resets_leaves_nothing_behind(server):
    before = server.descriptors()
    for _ in range(50):
        with Connection(server.address) as connection:
            linger_0 = b"\1\0\0\0\0\0\0\0"
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0)
            connection.send(20 * request("/generate?count=1000"))
    with Connection(server.address) as connection:
        assert connection.get("/health").body == b"OK"
    wait_until(lambda: server.descriptors() <= before, "all descriptors closed")
