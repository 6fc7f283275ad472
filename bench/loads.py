"""Loads: each puts one on a Server for a while and returns what came of it, as a dict.

rate (requests/s), cpu_us (user and system time of the server per request) and resident_kb (its
memory under that load) always; p50_us, p99_us, p999_us, bytes_per_s, errors and the outcome of the
check for duplicates where the load can tell.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import servers
from machine import LOAD_CPU, children_on, cpu_seconds, resident_kb
from servers import OUT

QUIET_S = 0.1  # no server does anything for so long: then the next load begins
QUIET_SHARE = 0.01  # of a CPU is what timers of servers need that do nothing
QUIET_WITHIN_S = 5
LOOK_S = 0.5  # between looks at a server's memory

greatest_ids = {}  # that a server has given to any load, by its port and process


def settle():
    """Waits until the servers are done with the load before, such as 10,000 clients that hung up.

    They share a CPU: what one of them still does would be taken from the next that is measured.
    """
    end = time.monotonic() + QUIET_WITHIN_S
    while time.monotonic() < end:
        begin, before = time.monotonic(), sum(map(cpu_seconds, servers.alive))
        time.sleep(QUIET_S)
        used = sum(map(cpu_seconds, servers.alive)) - before
        if used < QUIET_SHARE * (time.monotonic() - begin):
            return
    print(f"the servers were still busy {QUIET_WITHIN_S} s after a load", file=sys.stderr)


@contextlib.contextmanager
def started(command, **options):
    """A load on its CPU, which ends with whoever started it."""
    with children_on(LOAD_CPU):
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                                   text=True, **options)
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def run(server, command):
    """Runs a load to its end on the loads' CPU; returns what it prints, and the server's memory.

    A process per connection is gone at the end, so its memory is looked at meanwhile.
    """
    out, resident = None, 0
    with started(command, stderr=subprocess.PIPE) as process:
        while out is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = process.communicate(timeout=LOOK_S)
            resident = max(resident, resident_kb(server.pid))
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {err or out}")
    return out, resident


def costing(server, command, requests_in):
    """Runs a load that takes all its time for requests; returns its output and what that cost."""
    settle()
    before = cpu_seconds(server.pid)
    out, resident = run(server, command)
    return out, cost(requests_in(out), cpu_seconds(server.pid) - before, resident)


def cost(requests, cpu_s, resident):
    if requests == 0:
        raise RuntimeError("no request was answered")
    return {"cpu_us": cpu_s / requests * 1e6, "resident_kb": resident}


def number_in(pattern, text):
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"no {pattern!r} in: {text}")
    return float(found.group(1))


def expect_line(process, line):
    if process.stdout.readline() != line:
        raise RuntimeError(f"the load did not come to its {line.strip()}; it has said why")


def ids_per_answer(path):
    """Of go-id."""
    count = re.search(r"[?&]count=(\d+)", path)
    return int(count[1]) if count else 1


def check_ids(server, result):
    """A load checks its ids among each other.  Here, that it has seen all of them, and that they lie
    above those of every load before: else they count as duplicates."""
    wanted = result["requests"] * ids_per_answer(server.path)
    if result["ids_checked"] < wanted:  # more: those of the warm-up
        raise RuntimeError(f"{result['ids_checked']} ids were found where {wanted} were asked for")
    key = (server.port, server.pid)
    result["duplicates"] += result["least_id"] <= greatest_ids.get(key, 0)
    greatest_ids[key] = result["greatest_id"]


def checked(server, connections, pipeline, seconds, ids="none", during=None):
    """Our own load (load.c).  ids: "text" or "binary" checks every id of the answers; during() is
    called in the middle."""
    command = [OUT / "bench/load", server.port, server.path, connections, pipeline,
               round(seconds * 1000), ids, *server.machine_ids]
    settle()
    with started(command) as process:
        expect_line(process, "begin\n")
        before = cpu_seconds(server.pid)
        if during:
            time.sleep(seconds / 2)
            during()
        expect_line(process, "end\n")
        cpu = cpu_seconds(server.pid) - before
        resident = resident_kb(server.pid)
        result = json.loads(process.stdout.readline())
    if ids != "none":
        check_ids(server, result)
    del result["least_id"], result["greatest_id"]
    return result | cost(result["requests"], cpu, resident)


def wrk(server, connections, seconds):
    """wrk, which everybody knows, for the figures that everybody compares."""
    def result_in(text):
        return json.loads(text.splitlines()[-1])

    out, costs = costing(
        server, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}",
                 "-s", servers.ROOT / "bench/wrk_percentiles.lua",
                 f"http://127.0.0.1:{server.port}{server.path}"],
        lambda text: result_in(text)["requests"])
    result = result_in(out)
    seconds = result.pop("seconds")
    return result | costs | {"rate": result["requests"] / seconds,
                             "bytes_per_s": result.pop("bytes") / seconds}


def h2load(server, connections, pipeline, seconds):
    """h2load, a second opinion on pipelining.  It has no percentiles."""
    out, costs = costing(
        server, ["h2load", "--h1", f"-c{connections}", f"-m{pipeline}", f"-D{seconds}",
                 f"http://127.0.0.1:{server.port}{server.path}"],
        lambda text: number_in(r"(\d+) succeeded", text))
    return costs | {"rate": number_in(r", ([\d.]+) req/s", out),
                    "errors": number_in(r"(\d+) failed", out)}


def redis_benchmark(server, connections, pipeline, requests):
    """INCR of one key."""
    out, costs = costing(
        server, ["redis-benchmark", "-h", "127.0.0.1", "-p", server.port, "-c", connections,
                 "-n", requests, "-P", pipeline, "--csv", "INCR", "ids"],
        lambda text: requests)
    row = out.strip().splitlines()[-1].replace('"', "").split(",")
    return costs | {"rate": float(row[1]), "p50_us": float(row[4]) * 1e3,
                    "p99_us": float(row[6]) * 1e3, "errors": 0}


def pgbench(server, connections, each):
    """SELECT nextval(), prepared, so often on each connection.

    To connect is to fork a process.  A run with one of it on each is what that costs, and is not
    counted, as with other loads; nor is it in pgbench's rate.
    """
    with tempfile.TemporaryDirectory(dir=servers.OUT) as folder:
        script = pathlib.Path(folder) / "nextval.sql"
        script.write_text("SELECT nextval('ids');\n")

        def transactions(each):
            """The output, and the server's CPU time and memory."""
            settle()
            before = cpu_seconds(server.pid)
            out, resident = run(server, [
                "pgbench", "-n", "-h", "127.0.0.1", "-p", server.port, "-U", "bench",
                "-c", connections, "-t", each, "-M", "prepared", "-f", script,
                "-l", f"--log-prefix={folder}/{each}", "postgres"])
            settle()  # until the processes of the connections have ended
            return out, cpu_seconds(server.pid) - before, resident

        _, connecting_s, _ = transactions(1)
        out, cpu_s, resident = transactions(each)
        log, = pathlib.Path(folder).glob(f"{each}.*")
        latencies_us = sorted(float(line.split()[2]) for line in log.open())
    shares = {name: latencies_us[int((len(latencies_us) - 1) * share)]
              for name, share in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999))}
    return {"rate": number_in(r"tps = ([\d.]+)", out), "errors": 0, **shares,
            **cost(connections * (each - 1), cpu_s - connecting_s, resident)}
