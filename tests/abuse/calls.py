"""Makes a daemon do what it never does by itself; see call_shim.c."""

import contextlib
import mmap
import os
import struct

import harness
from http_client import Connection, request

LIBRARY = os.path.join(os.path.dirname(harness.GO_ID), "tests", "abuse", "call_shim.so")

ORDER = struct.Struct("=Ii56s192s")
ANSWER = struct.Struct("=IiI")


class Calls:
    """Orders for one daemon."""

    def __init__(self, path):
        self.environment = {"LD_PRELOAD": LIBRARY, "GO_ID_TEST_CALL": str(path)}
        self._number = 0
        with open(path, "w+b") as file:
            file.write(bytes(4096))
            file.flush()
            self._memory = mmap.mmap(file.fileno(), 4096)

    def close(self):
        self._memory.close()

    def order(self, call="", path="", accept_error=0):
        """From the next client on; the number comes last, since it makes the order good."""
        number = self._number + 1
        packed = ORDER.pack(number, accept_error, call.encode(), str(path).encode())
        self._memory[4:ORDER.size] = packed[4:]
        self._memory[0:4] = packed[0:4]
        self._number = number

    def is_done(self):
        return self._answer()[0] == self._number

    def error(self):
        """errno of the last call; 0 when it succeeded."""
        assert self.is_done()
        return self._answer()[1]

    def accept_failures(self):
        return self._answer()[2]

    def run(self, server, call, path=""):
        """Has a call made, and returns its errno; None if that was the daemon's end."""
        self.order(call, path)
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(ConnectionError):  # it may have ended before we are through
                client = stack.enter_context(Connection(server.address))
                client.send_all_it_takes(request("/health"))
            harness.wait_until(lambda: self.is_done() or server.process.poll() is not None,
                               f"{call} to be called")
        return self.error() if self.is_done() else None

    def _answer(self):
        return ANSWER.unpack_from(self._memory, ORDER.size)
