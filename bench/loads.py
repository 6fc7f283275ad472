"""Loads: each puts one on a Server for a while and returns what came of it, as a dict.

rate (requests/s) and cpu_us (user and system time of the server per request) always; p50_us, p99_us,
p999_us, bytes_per_s, errors and the outcome of the check for duplicates where the load can tell.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import servers
from machine import LOAD_CPU, children_on, cpu_seconds
from servers import OUT

QUIET_S = 0.1  # no server does anything for so long: then the next load begins
QUIET_SHARE = 0.01  # of a CPU is what timers of servers need that do nothing
QUIET_WITHIN_S = 5

LATENCY_UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6}


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


def run(command):
    """Runs a load to its end on the loads' CPU; returns what it prints."""
    with children_on(LOAD_CPU):
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
    out, err = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {err or out}")
    return out


def costing(server, command, requests_in):
    """Runs a load that takes all its time for requests; returns its output and CPU per request."""
    settle()
    before = cpu_seconds(server.pid)
    out = run(command)
    return out, (cpu_seconds(server.pid) - before) / max(requests_in(out), 1) * 1e6


def number_in(pattern, text):
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"no {pattern!r} in: {text}")
    return float(found.group(1))


def expect_line(process, line):
    if process.stdout.readline() != line:
        raise RuntimeError(f"the load did not come to its {line.strip()}; it has said why")


def checked(server, connections, pipeline, seconds, ids="none", during=None):
    """Our own load (load.c).  ids: "text" or "binary" checks every id of the answers; during() is
    called in the middle."""
    command = [OUT / "bench/load", server.port, server.path, connections, pipeline,
               round(seconds * 1000), ids, *server.machine_ids]
    settle()
    with children_on(LOAD_CPU):
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    with process:
        expect_line(process, "begin\n")
        before = cpu_seconds(server.pid)
        if during:
            time.sleep(seconds / 2)
            during()
        expect_line(process, "end\n")
        cpu = cpu_seconds(server.pid) - before
        result = json.loads(process.stdout.readline())
    return result | {"cpu_us": cpu / max(result["requests"], 1) * 1e6}


def wrk(server, connections, seconds):
    """wrk, which everybody knows, for the figures that everybody compares."""
    out, cpu_us = costing(
        server, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency",
                 f"http://127.0.0.1:{server.port}{server.path}"],
        lambda text: number_in(r"(\d+) requests in", text))
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    value, unit = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", out).groups()
    bytes_per_s = float(value) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit]
    latency = {}
    for share, name in (("50%", "p50_us"), ("99%", "p99_us")):
        value, unit = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", out).groups()
        latency[name] = float(value) * LATENCY_UNITS_US[unit]
    return {"rate": number_in(r"Requests/sec:\s+([\d.]+)", out), "cpu_us": cpu_us, "errors": 0,
            "bytes_per_s": bytes_per_s, **latency}


def h2load(server, connections, pipeline, seconds):
    """h2load, a second opinion on pipelining."""
    with tempfile.TemporaryDirectory() as folder:
        out, cpu_us = costing(
            server, ["h2load", "--h1", f"-c{connections}", f"-m{pipeline}", f"-D{seconds}",
                     f"--log-file={folder}/log", f"http://127.0.0.1:{server.port}{server.path}"],
            lambda text: number_in(r"(\d+) succeeded", text))
    return {"rate": number_in(r", ([\d.]+) req/s", out), "cpu_us": cpu_us,
            "errors": number_in(r"(\d+) failed", out)}


def redis_benchmark(server, connections, pipeline, requests):
    """INCR of one key."""
    out, cpu_us = costing(
        server, ["redis-benchmark", "-h", "127.0.0.1", "-p", server.port, "-c", connections,
                 "-n", requests, "-P", pipeline, "--csv", "INCR", "ids"],
        lambda text: requests)
    row = out.strip().splitlines()[-1].replace('"', "").split(",")
    return {"rate": float(row[1]), "cpu_us": cpu_us, "p50_us": float(row[4]) * 1e3,
            "p99_us": float(row[6]) * 1e3, "errors": 0}


def pgbench(server, connections, each):
    """SELECT nextval(), prepared, so often on each connection.  CPU time includes connecting."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("SELECT nextval('ids');\n")
        script.flush()
        os.chmod(script.name, 0o644)
        out, cpu_us = costing(
            server, ["pgbench", "-n", "-h", "127.0.0.1", "-p", server.port, "-U", "bench",
                     "-c", connections, "-t", each, "-M", "prepared", "-f", script.name,
                     "postgres"],
            lambda text: connections * each)
    return {"rate": number_in(r"tps = ([\d.]+)", out), "cpu_us": cpu_us, "errors": 0,
            "p50_us": number_in(r"latency average = ([\d.]+)", out) * 1e3}
