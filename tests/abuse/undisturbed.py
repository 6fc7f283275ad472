"""While a daemon is attacked, a well-behaved client goes on, and afterwards all is as before."""

import contextlib
import json
import mmap
import os
import struct
import subprocess
import sys

import harness
from harness import daemon, wait_until
from http_client import Connection

LONG = os.environ.get("GO_ID_ABUSE") == "long"

SHARDS = "64-127"  # enough that no flood uses up a tick
P99_MS = 100  # decides in the long suite only: the short one runs beside others
ROUNDS = 5 if LONG else 2
GROWTH_KIB = 1024  # what stacks, tables and a few blocks may take after the first round
BLOCKS_KIB = 76  # that a client may hold: half a request, and half an answer


def scaled(short, long):
    """How much of something: little in `make test`, much in `make abuse`."""
    return long if LONG else short


@contextlib.contextmanager
def connections(address, count, **options):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Connection(address, **options)) for _ in range(count)]


def welcome_newcomers(server):
    """Clients that come only now, in the middle of it, get an id each, too."""
    for _ in range(10):
        with Connection(server.address) as client:
            assert client.get("/generate").status == 200


class GoodClient:
    """The process of good_client.py."""

    def __init__(self, process, shared):
        self._process = process
        self._shared = shared

    def count(self):
        return struct.unpack_from("=Q", self._shared)[0]

    def await_ids(self, more):
        """Waits until it has had that many more; fails if it ended with an error."""
        goal = self.count() + more

        def is_there():
            assert self._process.poll() is None, "the well-behaved client met an error"
            return self.count() >= goal

        wait_until(is_there, f"{more} ids of the well-behaved client")

    def stop(self):
        self._shared[8] = 1
        output, _ = self._process.communicate(timeout=harness.DEADLINE_S)
        assert self._process.returncode == 0, "the well-behaved client met an error"
        return json.loads(output)


@contextlib.contextmanager
def good_client(server, directory):
    """A well-behaved client; it must not meet a single error."""
    path = directory / "good-client"
    with open(path, "w+b") as file:
        file.write(bytes(16))
        file.flush()
        with mmap.mmap(file.fileno(), 16) as shared:
            host, port = server.address
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "good_client.py")
            service = os.path.join(os.path.dirname(os.path.dirname(script)), "service")
            process = subprocess.Popen([sys.executable, script, host, str(port), path],
                                       stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "PYTHONPATH": service})
            try:
                yield GoodClient(process, shared)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()


def undisturbed(attack, directory, report, env=None, holding=0):
    """Lets attack(server) run, several times, and checks what it left.

    Every round must leave as many descriptors as there were, and after the first, which may touch
    memory that was only reserved until then, as much memory; but if holding so many clients at a
    time hold blocks, it is a matter of luck in which round most of them do.
    """
    env = {"SHARD_ID": SHARDS, "WORKERS": 2, **(env or {})}
    memory_kib = []
    with daemon(env=env) as server, good_client(server, directory) as good:
        good.await_ids(20)
        before = server.descriptors()
        for _ in range(ROUNDS):
            attack(server)
            good.await_ids(20)
            wait_until(lambda: server.descriptors() <= before, "descriptors as before")
            memory_kib.append(server.resident_kib())
        seen = good.stop()
    report(seen, memory_kib)
    assert memory_kib[-1] <= memory_kib[0] + GROWTH_KIB + holding * BLOCKS_KIB, memory_kib
    assert not LONG or seen["p99_ms"] < P99_MS, seen
