"""Every bad request of the book, what it gets, and what becomes of its connection."""

import pytest

from http_client import Connection, expect_problem, expect_usable, request

DAEMON = {"env": {"SHARD_ID": "64-127"}}

CRLF = "\r\n"


def raw(*lines, body=""):
    return CRLF.join([*lines, "", body]).encode("latin-1")


def with_fields(*fields, body=b""):
    return request("/health", *fields, body=body)


# The request was understood and is wrong: the connection serves on.
WRONG = {
    "unknown path": (request("/nope"), 404),
    "the console with a parameter": (request("/?a=1"), 400),
    "two slashes": (request("//"), 404),
    "path in capitals": (request("/GENERATE"), 404),
    "trailing slash": (request("/generate/"), 404),
    "path continues": (request("/generatex"), 404),
    "dots are not resolved": (request("/x/../generate"), 404),
    "count of 0": (request("/generate?count=0"), 400),
    "count above the limit": (request("/generate?count=10001"), 400),
    "count above 2^64": (request("/generate?count=18446744073709551617"), 400),
    "negative count": (request("/generate?count=-1"), 400),
    "count with a plus": (request("/generate?count=+1"), 400),
    "count with a fraction": (request("/generate?count=1.0"), 400),
    "count in hexadecimal": (request("/generate?count=0x10"), 400),
    "count of a word": (request("/generate?count=ten"), 400),
    "count followed by rubbish": (request("/generate?count=10abc"), 400),
    "empty count": (request("/generate?count="), 400),
    "count without a value": (request("/generate?count"), 400),
    "repeated count": (request("/generate?count=1&count=1"), 400),
    "repeated count, once encoded": (request("/generate?count=1&%63ount=1"), 400),
    "unknown format": (request("/generate?format=xml"), 400),
    "unknown parameter": (request("/generate?foo=1"), 400),
    "unknown parameter after a good one": (request("/generate?count=1&foo"), 400),
    "parameter in capitals": (request("/generate?Count=1"), 400),
    "no id": (request("/decode/abc"), 400),
    "id above 2^63": (request("/decode/9223372036854775808"), 400),
    "POST": (request("/generate", "Content-Length: 0", method="POST"), 405),
    "POST with a body": (request("/generate", "Content-Length: 5", method="POST", body=b"hello"),
                         405),
    "PUT": (request("/health", "Content-Length: 0", method="PUT"), 405),
    "PATCH": (request("/info", "Content-Length: 0", method="PATCH"), 405),
    "DELETE": (request("/decode/5", method="DELETE"), 405),
    "OPTIONS": (request("/generate", method="OPTIONS"), 405),
    "TRACE": (request("/generate", method="TRACE"), 405),
}

# Where the next request begins is not known, or not worth finding out: the connection closes.
BROKEN = {
    "a method of the future": (request("/generate", method="BREW"), 405),
    "a method in small letters": (request("/generate", method="get"), 405),
    "a tunnel": (raw("CONNECT test:80 HTTP/1.1", "Host: test"), 405),
    "a trailer about framing": (
        with_fields("Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 5\r\n\r\n"), 400),
    "a tab behind the length": (with_fields("Content-Length: 5\t", body=b"hello"), 400),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "no version": (raw("GET /health"), 400),
    "no target": (raw("GET HTTP/1.1", "Host: test"), 400),
    "two spaces": (raw("GET  /health HTTP/1.1", "Host: test"), 400),
    "space at the end of the request line": (raw("GET /health HTTP/1.1 ", "Host: test"), 400),
    "space before the method": (raw(" GET /health HTTP/1.1", "Host: test"), 400),
    "tab for a space": (raw("GET\t/health HTTP/1.1", "Host: test"), 400),
    "version in small letters": (raw("GET /health http/1.1", "Host: test"), 400),
    "version of three parts": (raw("GET /health HTTP/1.1.1", "Host: test"), 400),
    "version 2": (raw("GET /health HTTP/2.0", "Host: test"), 505),
    "version 0.9": (raw("GET /health HTTP/0.9", "Host: test"), 505),
    "target without a slash": (raw("GET health HTTP/1.1", "Host: test"), 400),
    "control character in the target": (raw("GET /hea\x01lth HTTP/1.1", "Host: test"), 400),
    "DEL in the target": (raw("GET /health\x7f HTTP/1.1", "Host: test"), 400),
    "byte above ASCII in the target": (raw("GET /h\xe9alth HTTP/1.1", "Host: test"), 400),
    "no Host": (raw("GET /health HTTP/1.1"), 400),
    "two Hosts": (with_fields("Host: test"), 400),
    "obs-fold": (with_fields("X-Long: one", " two"), 400),
    "obs-fold with a tab": (with_fields("X-Long: one", "\ttwo"), 400),
    "first field line folded": (raw("GET /health HTTP/1.1", " Host: test"), 400),
    "space before the colon": (with_fields("X-Field : one"), 400),
    "no colon": (with_fields("X-Field"), 400),
    "no name": (with_fields(": one"), 400),
    "name with a bracket": (with_fields("X(Field): one"), 400),
    "NUL in a value": (with_fields("X-Field: a\0b"), 400),
    "control character in a value": (with_fields("X-Field: a\x01b"), 400),
    "bare LF after the request line": (b"GET /health HTTP/1.1\nHost: test\r\n\r\n", 400),
    "bare LF after a field": (b"GET /health HTTP/1.1\r\nHost: test\n\r\n", 400),
    "bare LF everywhere": (b"GET /health HTTP/1.1\nHost: test\n\n", 400),
    "bare LF as the empty line": (b"GET /health HTTP/1.1\r\nHost: test\r\n\n", 400),
    "bare CR after the request line": (b"GET /health HTTP/1.1\rHost: test\r\n\r\n", 400),
    "bare CR in a value": (with_fields("X-Field: a\rb"), 400),
    "bare CR in the target": (raw("GET /hea\rlth HTTP/1.1", "Host: test"), 400),
    "Content-Length and Transfer-Encoding": (
        with_fields("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "Transfer-Encoding and Content-Length": (
        with_fields("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"), 400),
    "two different lengths": (with_fields("Content-Length: 1", "Content-Length: 2"), 400),
    "a list of different lengths": (with_fields("Content-Length: 1, 2"), 400),
    "negative length": (with_fields("Content-Length: -1"), 400),
    "length with a plus": (with_fields("Content-Length: +1"), 400),
    "length in hexadecimal": (with_fields("Content-Length: 0x1"), 400),
    "empty length": (with_fields("Content-Length:"), 400),
    "length of a word": (with_fields("Content-Length: one"), 400),
    "chunked in HTTP/1.0": (
        request("/health", "Transfer-Encoding: chunked", version="HTTP/1.0", body=b"0\r\n\r\n"),
        400),
    "chunked is not last": (with_fields("Transfer-Encoding: chunked, gzip"), 400, 501),
    "chunked twice": (with_fields("Transfer-Encoding: chunked, chunked"), 400, 501),
    "unknown transfer coding": (with_fields("Transfer-Encoding: br, chunked"), 501),
    "chunk size of a word": (with_fields("Transfer-Encoding: chunked", body=b"xyz\r\n\r\n"), 400),
    "empty chunk size": (with_fields("Transfer-Encoding: chunked", body=b"\r\n\r\n"), 400),
    "negative chunk size": (with_fields("Transfer-Encoding: chunked", body=b"-1\r\n\r\n"), 400),
    "chunk longer than it says": (
        with_fields("Transfer-Encoding: chunked", body=b"1\r\nab\r\n0\r\n\r\n"), 400),
    "bare LF after the chunk size": (
        with_fields("Transfer-Encoding: chunked", body=b"1\na\r\n0\r\n\r\n"), 400),
    "body above the bound": (with_fields("Content-Length: 65537"), 413),
    "length above 2^32": (with_fields("Content-Length: 4294967297"), 413),
    "chunk above the bound": (
        with_fields("Transfer-Encoding: chunked", body=b"10001\r\n"), 413),
    "target above 4 KiB": (request("/" + 4096 * "a"), 414),
    "head above 8 KiB": (with_fields("X-Field: " + 8192 * "a"), 431),
    "head above 8 KiB in many fields": (with_fields(*["X-Field: " + 99 * "a"] * 80), 431),
}

# More than one answer is right.
LOOSE = {
    "length above 2^64": (with_fields("Content-Length: 18446744073709551617"), 400, 413),
    "chunk size above 2^64": (
        with_fields("Transfer-Encoding: chunked", body=b"10000000000000001\r\n"), 400, 413),
    "the same length twice": (
        with_fields("Content-Length: 0", "Content-Length: 0"), 200, 400),
    "many fields": (with_fields(*["X-Field: a"] * 500), 200, 431),
    "unknown expectation": (with_fields("Expect: the-unexpected"), 200, 417),
    "asterisk": (raw("OPTIONS * HTTP/1.1", "Host: test"), 400, 404, 405),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    "target longer than a head": (request("/" + 9000 * "a"), 414, 431),
    "broken percent-encoding": (request("/%zz"), 400, 404),
    "percent-encoding cut short": (request("/health%4"), 400, 404),
    "encoded NUL": (request("/health%00"), 400, 404),
    "encoded slash": (request("%2Fhealth"), 400, 404),
    "fragment": (request("/health#top"), 400, 404),
    "Host that is none": (request("/health", host="a b"), 200, 400),
}


def cases(table):
    """Each case is the bytes of a request, followed by the statuses that are right for it."""
    return [pytest.param(data, statuses, id=name) for name, (data, *statuses) in table.items()]


@pytest.mark.parametrize("data, statuses", cases(WRONG))
def test_a_wrong_request_gets_its_status_and_the_connection_serves_on(server, data, statuses):
    with Connection(server.address) as connection:
        connection.send(data)
        response = connection.read_response()
        expect_problem(response, *statuses)
        assert not response.announces_close
        expect_usable(connection, response)


@pytest.mark.parametrize("data, statuses", cases(BROKEN))
def test_a_broken_request_gets_its_status_and_the_connection_closes(server, data, statuses):
    with Connection(server.address) as connection:
        connection.send_all_it_takes(data)
        response = connection.read_response()
        expect_problem(response, *statuses)
        assert response.announces_close
        connection.expect_close()


@pytest.mark.parametrize("data, statuses", cases(LOOSE))
def test_an_odd_request_gets_one_of_its_statuses(server, data, statuses):
    with Connection(server.address) as connection:
        connection.send_all_it_takes(data)
        response = connection.read_response()
        if response.status != 200:
            expect_problem(response, *statuses)
        assert response.status in statuses
        expect_usable(connection, response)


@pytest.mark.parametrize("data, statuses", cases(BROKEN))
def test_nothing_after_a_broken_request_is_answered(server, data, statuses):
    """What follows might be a body: to answer it would be request smuggling."""
    with Connection(server.address) as connection:
        connection.send_all_it_takes(data + request("/decode/666"))
        expect_problem(connection.read_response(), *statuses)
        connection.expect_close()


@pytest.mark.parametrize("data, statuses", cases(BROKEN))
def test_what_came_before_a_broken_request_is_answered(server, data, statuses):
    with Connection(server.address) as connection:
        connection.send_all_it_takes(request("/decode/5") + request("/nope") + data)
        assert connection.read_response().json()["id"] == 5
        expect_problem(connection.read_response(), 404)
        expect_problem(connection.read_response(), *statuses)
        connection.expect_close()


@pytest.mark.parametrize("data, statuses", cases({**WRONG, **BROKEN}))
def test_a_bad_request_in_two_pieces_gets_the_same_status(server, data, statuses):
    with Connection(server.address) as connection:
        half = len(data) // 2
        connection.send_all_it_takes(data[:half])
        connection.send_all_it_takes(data[half:])
        expect_problem(connection.read_response(), *statuses)


@pytest.mark.parametrize("path", ["/generate", "/decode/5", "/health", "/info"])
def test_405_names_what_is_allowed(server, path):
    with Connection(server.address) as connection:
        response = connection.get(path, "Content-Length: 0", method="POST")
        expect_problem(response, 405)
        allowed = {name.strip() for name in response.headers["allow"].split(",")}
        assert allowed == {"GET", "HEAD"}


@pytest.mark.parametrize("target, status", [("/nope", 404), ("/generate?count=0", 400),
                                            ("/decode/x", 400)])
def test_head_of_an_error_has_no_body(server, target, status):
    with Connection(server.address) as connection:
        response = connection.get(target, method="HEAD")
        assert (response.status, response.body) == (status, b"")
        assert response.headers["content-type"].split(";")[0] == "application/problem+json"
        expect_usable(connection, response)


@pytest.mark.parametrize("target, word", [
    ("/nope", "/generate"),
    ("/generate?count=10001", "10000"),
    ("/generate?count=0", "1"),
    ("/generate?foo=1", "count"),
    ("/decode/9223372036854775808", "id"),
])
def test_the_detail_says_what_to_do(server, target, word):
    with Connection(server.address) as connection:
        response = connection.get(target)
        assert word in expect_problem(response, response.status)


def test_bytes_of_the_client_come_back_only_as_valid_json(server):
    with Connection(server.address) as connection:
        for target in ('/%22%7B%0A%5C', '/generate?%22=%22', '/generate?count=%22%0A%1B',
                       '/decode/%22%00%FF', "/generate?format=%22%5C"):
            response = connection.get(target)
            expect_problem(response, response.status)
