"""A client that sends any bytes and reads strictly: what is not HTTP/1.1 fails the test."""

import json
import re
import select
import socket
from typing import NamedTuple

from harness import DEADLINE_S

STATUS_LINE = re.compile(r"(HTTP/1\.[01]) ([1-5][0-9]{2}) ([\x20-\x7e]*)")
FIELD_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*?)[ \t]*")


class Closed(AssertionError):
    """The daemon closed, or reset, the connection where an answer was due."""


class Response(NamedTuple):
    """One answer; header names in lower case."""

    version: str
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def connection_options(self):
        return [option.strip().lower() for option in self.headers.get("connection", "").split(",")]

    @property
    def announces_close(self):
        return "close" in self.connection_options


def request(target, *fields, method="GET", version="HTTP/1.1", host="test", body=b""):
    """The bytes of one request; fields are lines such as "Connection: close"."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1") + body


class Connection:
    """A connection to the daemon; a context manager."""

    def __init__(self, address, receive_buffer=None, source=None):
        family = socket.AF_UNIX
        if not isinstance(address, str):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(DEADLINE_S)
            if receive_buffer is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if family != socket.AF_UNIX:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source is not None:
                self.socket.bind((source, 0))
            self.socket.connect(address)
        except BaseException:
            self.socket.close()
            raise
        self._received = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_all_it_takes(self, data):
        """Sends to a daemon that may answer and close before it has read everything."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def get(self, target, *fields, **options):
        self.send(request(target, *fields, **options))
        return self.read_response(head=options.get("method") == "HEAD")

    def read_response(self, head=False):
        """Reads exactly one answer; head says that it answers a HEAD request."""
        text = self._take_head()
        first, *lines = text.split("\r\n")
        match = STATUS_LINE.fullmatch(first)
        assert match, f"not a status line: {first!r}"
        status = int(match[2])
        headers = _fields(lines)
        length = 0
        if status >= 200 and status not in (204, 304) and not head:
            assert re.fullmatch("[0-9]+", headers.get("content-length", "")), text
            length = int(headers["content-length"])
        return Response(match[1], status, headers, self._take(length))

    def has_input(self, timeout_s=0):
        """Whether an answer, or the end, is there to be read."""
        return bool(self._received or select.select([self.socket], [], [], timeout_s)[0])

    def is_closed(self):
        """Whether the daemon has closed this idle connection; an unasked byte fails."""
        if not self.has_input():
            return False
        self.expect_close()
        return True

    def expect_close(self):
        """Waits for the daemon to close; not a byte may come before that."""
        try:
            self.expect_end()
        except ConnectionResetError:
            pass

    def expect_end(self):
        """As expect_close(), but in good order: a reset could overtake an answer on its way."""
        if not self._received:
            self._received += self.socket.recv(65536)
        assert not self._received, f"instead of a close: {bytes(self._received[:200])!r}"

    def _take_head(self):
        end = self._received.find(b"\r\n\r\n")
        while end == -1:
            self._receive()
            end = self._received.find(b"\r\n\r\n")
        text = bytes(self._received[:end]).decode("latin-1")
        del self._received[:end + 4]
        return text

    def _take(self, length):
        while len(self._received) < length:
            self._receive()
        data = bytes(self._received[:length])
        del self._received[:length]
        return data

    def _receive(self):
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise Closed(f"closed after {bytes(self._received[:200])!r}")
        self._received += piece


def get(address, target, *fields, **options):
    """One request on a connection of its own."""
    with Connection(address) as connection:
        return connection.get(target, *fields, **options)


def expect_problem(response, *statuses):
    """Checks the status, and the shape every error has (RFC 9457); returns the detail."""
    assert response.status in statuses, (response.status, response.body)
    assert response.headers["content-type"].split(";")[0] == "application/problem+json"
    problem = response.json()
    assert set(problem) >= {"type", "title", "status", "detail"}, problem
    assert problem["status"] == response.status
    for name in ("type", "title", "detail"):
        assert isinstance(problem[name], str) and problem[name], problem
    return problem["detail"]


def expect_usable(connection, response):
    """After an answer the connection serves on, or closes as announced."""
    if response.announces_close:
        connection.expect_close()
        return
    following = connection.get("/health")
    assert (following.status, following.body) == (200, b"OK")


def _fields(lines):
    headers = {}
    for line in lines:
        match = FIELD_LINE.fullmatch(line)
        assert match, f"not a header line: {line!r}"
        name = match[1].lower()
        assert name not in headers, f"{name} twice"
        headers[name] = match[2]
    return headers
