"""The servers that are compared, each a context manager that yields a Server on loopback.

Each runs as one worker on one CPU, so that the load has the other and the figures are those of one
core.  Whatever they write goes into a folder below out/ that is removed afterwards: on the disk
that this tree is on, where a sync is one, and not in a /tmp that may be memory.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from machine import SERVER_CPU, children_on

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "out/bench"
GO_ID = OUT / "go-id"
BODY = '{"id":647384502137520129,"timestamp":1795400832}'
REQUEST = b"GET /generate HTTP/1.1\r\nHost: bench\r\n\r\n"
START_S = 30
STOP_S = 30

alive = []  # the processes of all servers that run now


@dataclasses.dataclass
class Server:
    """A running server."""
    pid: int
    port: int
    path: str = "/"
    machine_ids: tuple = (0, 65536)  # that its ids may have: the first, and how many


def expect_answer(client):
    """Reads the answer to REQUEST from a socket."""
    if not client.recv(4096).startswith(b"HTTP/1.1 200"):
        raise RuntimeError("an answer that is none")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def unwind_on_sigterm():
    """Lets SIGTERM, which timeout(1) sends, end this program as an exception does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def new_folder(under=OUT):
    return tempfile.TemporaryDirectory(dir=under)


@contextlib.contextmanager
def running(command, folder, stop=signal.SIGTERM, **options):
    """Starts a program on the servers' CPU, with what it says in folder/said; ends it however the
    caller ends."""
    with open(f"{folder}/said", "wb") as said, children_on(SERVER_CPU):
        process = subprocess.Popen(command, **{"stdout": said, "stderr": said, **options})
    alive.append(process.pid)
    try:
        yield process
    finally:
        alive.remove(process.pid)
        process.send_signal(stop)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def did_not_start(process, folder):
    """The error of a server that did not, with what it and its log have said."""
    said = "".join(path.read_text(errors="replace")
                   for path in map(pathlib.Path(folder).joinpath, ("said", "log"))
                   if path.exists())
    return RuntimeError(f"{process.args[0]} did not start: {said.strip() or 'it has not said why'}")


def wait_for_port(process, folder, port):
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise did_not_start(process, folder)


def announced_port(process, folder, stream):
    """The port of a program that prints "HOST PORT" once it listens."""
    line = stream.readline().split()
    if len(line) != 2:
        raise did_not_start(process, folder)
    return int(line[1])


@contextlib.contextmanager
def go_id(shards="0-63", **settings):
    """go-id, with its state and locks in a folder of its own."""
    read_end, write_end = os.pipe()
    with new_folder() as folder:
        env = {"PATH": os.environ["PATH"], "SHARD_ID": shards, "WORKERS": "1",
               "MAX_CONNECTIONS": "12000", "STATE_DIRECTORY": folder, "LOCK_DIRECTORY": folder,
               "LOG_FILE": f"{folder}/log",
               **{name: str(value) for name, value in settings.items()}}
        command = [GO_ID, "serve", "--listen", "127.0.0.1:0", "--ready-fd", str(write_end)]
        with running(command, folder, env=env, pass_fds=[write_end]) as process:
            os.close(write_end)
            with os.fdopen(read_end) as ready:
                first, _, last = shards.partition("-")
                machine_ids = (int(first), int(last or first) - int(first) + 1)
                port = announced_port(process, folder, ready)
                yield Server(process.pid, port, "/generate", machine_ids)


@contextlib.contextmanager
def bare_loop(body_len=len(BODY)):
    """The floor."""
    command = [OUT / "bench/bare_loop", str(body_len)]
    with new_folder() as folder, running(command, folder, stdout=subprocess.PIPE) as process:
        yield Server(process.pid, announced_port(process, folder, process.stdout))


NGINX_CONF = """
worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log crit;
events {{ worker_connections 12000; }}
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
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ add_header Cache-Control no-store; return 200 '{body}'; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx():
    """nginx, which answers a constant: `return 200`."""
    with new_folder() as folder:
        port = free_port()
        conf = pathlib.Path(folder) / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=port, body=BODY))
        with running(["/usr/sbin/nginx", "-p", folder, "-c", conf, "-e", f"{folder}/log"],
                     folder) as process:
            wait_for_port(process, folder, port)
            yield Server(process.pid, port)


@contextlib.contextmanager
def node():
    """Node's http."""
    command = ["node", ROOT / "bench/node_server.js", BODY]
    with new_folder() as folder, running(command, folder, stdout=subprocess.PIPE) as process:
        yield Server(process.pid, announced_port(process, folder, process.stdout))


def has_go_service():
    return "GO_PEER" in os.environ


def go_service_version():
    """The release that built it, which stands in its file."""
    program = shutil.which(shlex.split(os.environ["GO_PEER"])[0])
    found = re.search(rb"go1\.\d+(\.\d+)?", pathlib.Path(program or os.devnull).read_bytes())
    return f"Go net/http by {found[0].decode() if found else 'an unknown release'}"


@contextlib.contextmanager
def go_service():
    """Whatever command GO_PEER is, for users who have Go; the port is its last argument."""
    port = free_port()
    command = [*shlex.split(os.environ["GO_PEER"]), str(port)]
    with new_folder() as folder, running(command, folder) as process:
        wait_for_port(process, folder, port)
        yield Server(process.pid, port, os.environ.get("GO_PEER_PATH", "/generate"))


@contextlib.contextmanager
def redis():
    """Redis without persistence: a counter that a restart may take back."""
    port = free_port()
    with new_folder() as folder:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
                   "--appendonly", "no", "--dir", folder]
        with running(command, folder) as process:
            wait_for_port(process, folder, port)
            yield Server(process.pid, port)


def postgres_programs():
    """Debian installs versions side by side."""
    versions = pathlib.Path("/usr/lib/postgresql").iterdir()
    return max(versions, key=lambda path: int(path.name)) / "bin"


def as_postgres(*command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)


@contextlib.contextmanager
def postgres():
    """PostgreSQL with its default settings and a sequence in it."""
    programs = postgres_programs()
    port = free_port()
    # Its user may not reach this tree; the home that Debian has given it is on a disk as well.
    with new_folder(OUT if os.geteuid() != 0 else pathlib.Path("~postgres").expanduser()) as folder:
        os.chmod(folder, 0o755)
        data = pathlib.Path(folder) / "data"
        data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        subprocess.run(as_postgres(programs / "initdb", "-D", data, "-U", "bench", "-A", "trust"),
                       check=True, stdout=subprocess.DEVNULL, cwd=folder)
        command = as_postgres(programs / "postgres", "-D", data, "-k", "", "-p", str(port),
                              "-c", "listen_addresses=127.0.0.1")
        # SIGINT: without waiting for clients to leave.
        with running(command, folder, signal.SIGINT, cwd=folder) as process:
            wait_for_port(process, folder, port)
            client = ["-h", "127.0.0.1", "-p", str(port), "-U", "bench"]
            # The port takes connections before the server is ready for them.
            end = time.monotonic() + START_S
            while subprocess.run([programs / "pg_isready", *client], stdout=subprocess.DEVNULL,
                                 check=False).returncode != 0 and time.monotonic() < end:
                time.sleep(0.05)
            subprocess.run([programs / "psql", "-q", *client, "-c", "CREATE SEQUENCE ids",
                            "postgres"], check=True)
            yield Server(process.pid, port)
