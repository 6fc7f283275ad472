"""What is measured, in groups that share running servers.

A group is a generator function: it starts its servers, and from one yield to the next measures
every case of the group once, one server after the other, so that whatever else the machine does
meets all of them.  Each round begins with another server: none always follows the same one.
record(case, server, result) takes what a load returned.
"""

import contextlib
import dataclasses
import http.client
import itertools
import math
import os
import pathlib
import re
import socket
import sys
import time

import loads
import servers
from machine import resident_kb

sys.path[:0] = [str(servers.ROOT / folder) for folder in ("tests/faults", "tests/service")]
os.environ["GO_ID"] = str(servers.GO_ID)  # beside which the fault suite looks for its shims

import shims  # noqa: E402 (its folder is known from here on)

WINDOW_S = 0.8  # of measuring, per server and round
SHORT_S = 0.4
SATURATED_S = 3  # a tick more or less is then 0.33 %
FAULT_S = 1.6  # longer than the mark is ahead, so that it is written anew meanwhile
TICK_US = 10_000
IDS_PER_TICK = 256
MANY = 10_000  # connections
FORMATS = {"json": "text", "string": "text", "text": "text", "binary": "binary"}


def http_servers():
    """The servers that answer HTTP, by name."""
    peers = {"go-id": servers.go_id, "bare loop": servers.bare_loop, "nginx": servers.nginx,
             "Node http": servers.node}
    if servers.has_go_service():
        peers["Go net/http"] = servers.go_service
    return peers


def rotated(by_name, turn):
    """The items of a dict, from another one on with each turn."""
    items = list(by_name.items())
    first = turn % len(items)
    return items[first:] + items[:first]


def ids_of(name):
    """What a load is to check of a server's answers."""
    return "text" if name == "go-id" else "none"


def tried(record, case, name, load, *arguments):
    """Records what a load on a server comes to.  One that fails on a peer is only left out."""
    try:
        record(case, name, load(*arguments))
    except (RuntimeError, OSError, ValueError) as error:
        if name == "go-id":
            raise
        record.failed(f"{case}: {name}: {error}")


def peers(record):
    """One id per request, beside what a user would pick instead."""
    with contextlib.ExitStack() as stack:
        web = {name: stack.enter_context(start()) for name, start in http_servers().items()}
        redis = stack.enter_context(servers.redis())
        postgres = stack.enter_context(servers.postgres())
        for turn in itertools.count():
            yield
            order = rotated(web, turn)
            for name, server in order:
                tried(record, "one id, wrk", name, loads.wrk, server, 64, 1)
            tried(record, "one id, wrk", "Redis INCR", loads.redis_benchmark, redis, 64, 1, 60_000)
            tried(record, "one id, wrk", "PostgreSQL nextval", loads.pgbench, postgres, 64, 200)
            for connections in (1, 64, 1000, MANY):
                for name, server in order:
                    tried(record, f"{connections} connections", name, loads.checked,
                          server, connections, 1, WINDOW_S, ids_of(name))
            for name, server in order:
                tried(record, "pipelining 16", name, loads.checked,
                      server, 64, 16, WINDOW_S, ids_of(name))
            tried(record, "pipelining 16", "Redis INCR",
                  loads.redis_benchmark, redis, 64, 16, 1_000_000)
            for name, server in order:
                if name in ("go-id", "bare loop", "nginx"):
                    tried(record, "pipelining 16, h2load", name, loads.h2load, server, 64, 16, 1)


def body_of(server, path):
    """Of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", path)
    with contextlib.closing(connection), connection.getresponse() as answer:
        return answer.read()


def batches(record):
    """Many ids per request, of all 65,536 shards, beside canned bodies of the same size."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(servers.go_id("0-65535"))
        wanted = []
        for count in (1, 100, 10_000):
            for form, ids in FORMATS.items():
                path = f"/generate?count={count}&format={form}"
                bare = stack.enter_context(servers.bare_loop(len(body_of(ours, path))))
                both = {"go-id": dataclasses.replace(ours, path=path), "bare loop": bare}
                wanted.append((f"batch {count} {form}", count, ids, both))
        for turn in itertools.count():
            yield
            for case, count, ids, both in wanted:
                connections = 16 if count == 10_000 else 64
                for name, server in rotated(both, turn):
                    record(case, name, loads.checked(server, connections, 1, SHORT_S))
                record(f"{case}, checked", "go-id",
                       loads.checked(both["go-id"], connections, 1, 0.2, ids))
                if case in ("batch 10000 json", "batch 10000 binary"):
                    for name, server in rotated(both, turn):
                        record(f"{case}, wrk", name, loads.wrk(server, 16, 1))


def saturated(record):
    """One shard, of which more is asked than the layout has: 25,600 ids/s.

    Each load has a daemon of its own: clients that hang up leave ids behind that were taken for
    them, and with 10,000 those fill the next 390 ms.
    """
    while True:
        yield
        for connections in (64, MANY):
            with servers.go_id("1") as ours:
                result = loads.checked(ours, connections, 1, SATURATED_S, "text")
            ideal_us = math.ceil(connections / IDS_PER_TICK) * TICK_US
            record(f"one shard, {connections} connections", "go-id",
                   result | {"connections": connections, "ideal_queue_us": ideal_us})


def counter(server, name):
    """Of go-id's metrics."""
    text = body_of(server, "/metrics").decode()
    return float(re.search(rf"^{re.escape(name)} (.*)$", text, re.M).group(1))


def faults(record):
    """The same load while the clock is set back, and while the mark's fsync takes long.

    Beside the bare loop and go-id without a shim, which tell what the shims and the machine do.
    """
    def load(server, during=None):
        return loads.checked(server, 64, 1, FAULT_S, "text", during=during)

    while True:
        yield
        with servers.bare_loop() as bare:
            record("no shim", "bare loop", loads.checked(bare, 64, 1, FAULT_S))
        with servers.go_id() as server:
            record("no shim", "go-id", load(server))
        with servers.new_folder() as folder:
            clock = shims.Clock(pathlib.Path(folder) / "clock")
            disk = shims.Disk(pathlib.Path(folder) / "disk")
            with servers.go_id(**shims.environment(clock)) as server:
                record("clock", "undisturbed", load(server))
                record("clock", "set back by 5 s", load(server, lambda: clock.step(-5)))
                if counter(server, 'go_id_clock_steps_total{direction="back"}') != 1:
                    raise RuntimeError("the clock was not set back under go-id")
            with servers.go_id(**shims.environment(disk)) as server:
                record("disk", "undisturbed", load(server))
                with disk.stalling("sync", 800):
                    record("disk", "fsync takes 0.8 s", load(server))
                if disk.faults() == 0:
                    raise RuntimeError("no fsync of go-id has taken 0.8 s")
            clock.close()


def memory(record):
    """Resident memory: idle, and with connections that have each had an id."""
    while True:
        yield
        with servers.go_id() as server:
            idle = resident_kb(server.pid)
            sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MANY)]
            for one in sockets:
                one.sendall(servers.REQUEST)
            for one in sockets:
                servers.expect_answer(one)
            crowded = resident_kb(server.pid)
            for one in sockets:
                one.close()
        record("memory", "go-id", {"idle_kb": idle, "crowded_kb": crowded,
                                   "kb_per_connection": (crowded - idle) / MANY})


def start(record):
    """From before fork to the first id in a client's hands."""
    while True:
        yield
        for _ in range(5):
            begin = time.monotonic()
            with servers.go_id() as server:
                with socket.create_connection(("127.0.0.1", server.port)) as client:
                    client.sendall(servers.REQUEST)
                    servers.expect_answer(client)
                    took = time.monotonic() - begin
            record("start", "go-id", {"ms": took * 1e3})


GROUPS = (peers, batches, saturated, faults, memory, start)
