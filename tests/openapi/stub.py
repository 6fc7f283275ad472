"""A service that fails as it is told to, for clients that are to try again."""

import http.server
import json
import socket
import struct
import threading
import time
from urllib.parse import parse_qs, urlsplit

from ids import compose, tick_now


class Stub(http.server.ThreadingHTTPServer):
    """Answers each request by the next of its actions, and all that follow by the last one: "ids", "reset", "400",
    "503 close" (after which it closes the connection), "503 at once" (to be asked again without a wait)."""

    RETRY_AFTER_S = 1
    SHARD = 7
    DETAIL = "the stub says no"
    daemon_threads = True

    def __init__(self, *actions):
        super().__init__(("127.0.0.1", 0), _Request)
        self.address = self.server_address
        self.times = []  # of each request, on the monotonic clock
        self._actions = actions
        self._lock = threading.Lock()
        self._sequence = 0

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def shutdown_request(self, request):
        """Without a FIN of its own: what lingers for no time is reset."""
        self.close_request(request)

    def next_action(self):
        with self._lock:
            self.times.append(time.monotonic())
            return self._actions[min(len(self.times), len(self._actions)) - 1]

    def ids(self, count):
        with self._lock:
            self._sequence += count
            return [compose(tick_now(), 0, self.SHARD) + (number << 16)
                    for number in range(self._sequence - count, self._sequence)]


class _Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802 (its name is that of the method)
        action, *words = self.server.next_action().split()
        if action == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif action == "ids":
            self._answer(200, self._body_of_ids())
        else:
            fields = {}
            if action == "503":
                fields["Retry-After"] = 0 if words == ["at", "once"] else Stub.RETRY_AFTER_S
            if words == ["close"]:
                fields["Connection"] = "close"  # and http.server closes it
            self._answer(int(action), json.dumps({"detail": Stub.DETAIL}), fields)

    def _body_of_ids(self):
        query = parse_qs(urlsplit(self.path).query)
        ids = self.server.ids(int(query.get("count", ["1"])[0]))
        if query.get("format") == ["text"]:
            return "".join(f"{value}\n" for value in ids)
        return json.dumps({"ids": [str(value) for value in ids] if query.get("format") == ["string"] else ids})

    def _answer(self, status, body, fields=None):
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass
