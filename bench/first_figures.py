"""First figures: go-id beside nginx's `return 200`, in one interleaved run, and its memory.

    make figures, or python3 bench/first_figures.py [ROUNDS]

Needs out/release/go-id, wrk and nginx.  Prints Markdown.  Never part of the tests: timings depend
on the machine, so only the ratio says something.
"""

import contextlib
import os
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GO_ID = ROOT / "out/release/go-id"
CONNECTIONS = 64
SECONDS = 4
BODY = '{"id":647384502137520129,"timestamp":1795400832}'
OPEN_CONNECTIONS = 10_000

NGINX_CONF = """
worker_processes auto;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ add_header Cache-Control no-store; return 200 '{body}'; }}
    }}
}}
"""


def cpu_seconds(pid):
    """User and system time of a process and its children that are still there."""
    pids = [str(pid)] + pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for one in pids:
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


@contextlib.contextmanager
def stopped_after(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def go_id(shards):
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [GO_ID, "serve", "--listen", "127.0.0.1:0", "--ready-fd", str(write_end)],
        pass_fds=[write_end], stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "SHARD_ID": shards})
    os.close(write_end)
    with stopped_after(process), os.fdopen(read_end) as ready:
        yield process.pid, int(ready.readline().split()[1])


@contextlib.contextmanager
def nginx():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        conf = pathlib.Path(folder) / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=port, body=BODY))
        process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", conf],
                                   stderr=subprocess.DEVNULL)
        with stopped_after(process):
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
            yield process.pid, port


def load(pid, port, path):
    """One round of wrk: requests per second, and CPU microseconds of the server per request."""
    before = cpu_seconds(pid)
    out = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", f"http://127.0.0.1:{port}{path}"],
        check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return rate, (cpu_seconds(pid) - before) / requests * 1e6


def memory_with_connections(pid, port):
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(OPEN_CONNECTIONS)]
    for one in sockets:
        one.sendall(b"GET /generate HTTP/1.1\r\nHost: bench\r\n\r\n")
    for one in sockets:
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    used = resident_kb(pid)
    for one in sockets:
        one.close()
    return used


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    results = {"go-id": [], "nginx": []}
    with go_id("0-63") as ours, nginx() as theirs:
        for _ in range(rounds):
            results["go-id"].append(load(*ours, "/generate"))
            results["nginx"].append(load(*theirs, "/"))
    with go_id("0-63") as (pid, port):
        idle = resident_kb(pid)
        crowded = memory_with_connections(pid, port)

    cpu_model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    print(f"{os.cpu_count()} cores, {cpu_model.group(1) if cpu_model else 'unknown CPU'}, "
          f"{CONNECTIONS} connections, {rounds} interleaved rounds of {SECONDS} s, medians\n")
    print("| server | requests/s | CPU per request |\n|---|---|---|")
    medians = {}
    for name, rows in results.items():
        medians[name] = [statistics.median(column) for column in zip(*rows)]
        print(f"| {name} | {medians[name][0]:,.0f} | {medians[name][1]:.1f} us |")
    ratios = [ours / theirs for ours, theirs in zip(medians["go-id"], medians["nginx"])]
    print(f"| ratio | {ratios[0]:.2f} | {ratios[1]:.2f} |\n")
    print(f"Resident memory of go-id: {idle:,} KB idle, {crowded:,} KB with "
          f"{OPEN_CONNECTIONS:,} open connections that have each had an id.")


main()
