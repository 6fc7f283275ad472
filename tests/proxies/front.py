"""Three shards and a real proxy in front of them, with the configuration that docs/deploy ships.

Everything listens on a loopback address of this test run's own, on the ports that the files name;
so nothing else is in the way, and a shard that comes back finds its port free.
"""

import contextlib
import os
import pathlib
import ssl
import subprocess
import threading

import documents
import harness

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "docs/deploy"
HOST = f"127.{64 + (os.getpid() >> 16) % 64}.{(os.getpid() >> 8) % 256}.{os.getpid() % 254 + 1}"
SHARDS = (1, 2, 3)


class Shard:
    """A go-id that can be ended and started again with the same state and address."""

    def __init__(self, number, directory):
        self.number = number
        self.env = {"SHARD_ID": number, "STATE_DIRECTORY": str(directory / f"shard{number}"),
                    "LOCK_DIRECTORY": str(directory / "locks"), "WORKERS": 1}
        os.makedirs(self.env["STATE_DIRECTORY"])
        os.makedirs(self.env["LOCK_DIRECTORY"], exist_ok=True)
        self._stack = contextlib.ExitStack()
        self.daemon = None

    def start(self, **env):
        self.daemon = self._stack.enter_context(
            harness.daemon(env={**self.env, **env}, listen=(f"{HOST}:{7000 + self.number}",)))

    def stop(self):
        assert self.daemon.stop() == 0

    def close(self):
        self._stack.close()


def shipped(name, directory):
    """The file as it is shipped, but for addresses and paths."""
    text = (DEPLOY / name).read_text()
    for shipped_text, own in (
        ("127.0.0.1:", f"{HOST}:"), ("bind :443", f"bind {HOST}:443"), ("listen 443", f"listen {HOST}:443"),
        ("/etc/go-id/tls", str(directory)), ("/run/nginx.pid", f"{directory}/nginx.pid"),
        ("/var/log/nginx/", f"{directory}/"),
    ):
        text = text.replace(shipped_text, own)
    path = directory / name
    path.write_text(text)
    return path


COMMANDS = {
    "haproxy": lambda directory: ["haproxy", "-db", "-f", shipped("haproxy.cfg", directory)],
    "nginx": lambda directory: ["nginx", "-e", f"{directory}/error.log", "-g", "daemon off;", "-c",
                                shipped("nginx.conf", directory)],
}


def try_it(directory):
    """The commands of the manual, but for addresses and paths: a certificate, and a look at both configurations."""
    for command in documents.section("docs/deploy/README.md", "Try it"):
        for documented, own in (("IP:127.0.0.1", f"IP:{HOST}"), ("/etc/go-id/tls", str(directory)),
                                ("docs/deploy/haproxy.cfg", str(shipped("haproxy.cfg", directory))),
                                ("$PWD/docs/deploy/nginx.conf", str(shipped("nginx.conf", directory)))):
            command = command.replace(documented, own)
        done = subprocess.run(["bash", "-c", command], cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, command + done.stdout + done.stderr
    assert {path.name for path in directory.glob("*.pem")} == {"cert.pem", "key.pem", "ids.pem"}


@contextlib.contextmanager
def proxy(kind, directory):
    """Runs the proxy until the block ends."""
    try_it(directory)
    with open(directory / "proxy.log", "wb") as log:
        process = subprocess.Popen(COMMANDS[kind](directory), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
        assert process.poll() is None, "the proxy has ended by itself"
    finally:
        process.terminate()
        process.wait(harness.STOP_S)
        print((directory / "proxy.log").read_text(errors="replace")[-4000:])  # pytest shows it on failure


def tls_context(directory, alpn=()):
    context = ssl.create_default_context(cafile=directory / "cert.pem")
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Load:
    """Clients that ask for ids until they are told to stop; every failure is kept."""

    def __init__(self):
        self.ids = []
        self.failures = []
        self._stop = threading.Event()
        self._threads = []

    def run(self, client):
        """Runs client(self) in a thread; it asks stopped() and calls got() or failed()."""
        thread = threading.Thread(target=self._guarded, args=(client,))
        self._threads.append(thread)
        thread.start()

    def _guarded(self, client):
        try:
            client(self)
        except Exception as error:  # a client that breaks off is a failed request, too
            self.failures.append(repr(error))

    def stopped(self):
        return self._stop.is_set()

    def got(self, ids):
        self.ids.extend(ids)  # atomic, as list operations are

    def failed(self, what):
        self.failures.append(what)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_ids_of(self, shards, count=50):
        """Until each of the shards has given out so many more ids, as seen by the clients."""
        start = len(self.ids)

        def all_have():
            new = [one & 0xFFFF for one in self.ids[start:]]
            return self.failures or all(new.count(shard) >= count for shard in shards)

        harness.wait_until(all_have, f"{count} ids of each of the shards {shards}")
        assert not self.failures, self.failures[:5]
