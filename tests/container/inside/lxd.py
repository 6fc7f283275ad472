"""Drives a private LXD with the real lxc, and go-id in its containers.

Nothing here waits for luck: what has to become true is waited for until a deadline, and the
deadline only decides how long a failure takes.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tests" / "service"))

import harness  # noqa: E402 (its folder is known from here on)

WORK = pathlib.Path(os.environ["GO_ID_E2E"])  # namespace.sh has it from scripts/e2e.sh
POOL = "btrfs_local_main"
FIRST = "go-id-v1"  # the container that startDefault.sh makes
FIRST_PORT = 7001

DEADLINE_S = 90  # for whatever must happen, and usually does at once
harness.DEADLINE_S = DEADLINE_S  # of wait_until()
wait_until = harness.wait_until


def sh(command, check=True, timeout=DEADLINE_S):
    """Runs a line as a user would type it; returns the CompletedProcess."""
    result = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, errors="replace", timeout=timeout, check=False)
    if check:
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result


def lxc(*words, check=True, timeout=DEADLINE_S):
    """Runs lxc; returns the CompletedProcess."""
    result = subprocess.run(["lxc", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, errors="replace", timeout=timeout, check=False)
    if check:
        assert result.returncode == 0, f"lxc {words}\n{result.stdout}{result.stderr}"
    return result


def query(path):
    """What LXD's API answers."""
    return json.loads(lxc("query", path).stdout)


def get(port, path):
    """Asks go-id through the host's port; returns (status, body), (0, reason) without an answer."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:  # also URLError
        return 0, str(error).encode()


class Container:
    """A container, by its name, and the port of the host that leads to its go-id."""

    def __init__(self, name, port):
        self.name = name
        self.port = port

    # ---- the container -------------------------------------------------------------------------

    def exec(self, *words, check=True):
        return lxc("exec", self.name, "--", *words, check=check)

    def text(self, *words):
        return self.exec(*words).stdout.strip()

    def state(self):
        return query(f"/1.0/instances/{self.name}/state")

    def config(self, key, value):
        lxc("config", "set", self.name, f"{key}={value}")

    def start(self):
        """Tries again: for a moment after a container has rebooted or was killed, LXD may still be busy with that."""
        said = []

        def started():
            result = lxc("start", self.name, check=False)
            said.append(result.stderr)
            return result.returncode == 0

        try:
            wait_until(started, f"{self.name} to be started")
        except AssertionError as error:
            raise AssertionError(f"{error}: {said[-1]}") from None
        self.wait_booted()

    def restart(self):
        lxc("restart", self.name)
        self.wait_booted()

    def wait_booted(self):
        """Until systemd has started everything; fails, naming the units, if something has not."""
        def booted():
            said = self.exec("systemctl", "is-system-running", check=False).stdout.strip()
            assert said != "degraded", self.text("systemctl", "--failed", "--no-pager")
            return said == "running"
        wait_until(booted, f"{self.name} has booted")

    # ---- go-id in it ---------------------------------------------------------------------------

    def unit(self, field, unit="go-id.service"):
        """A property of the unit, as systemctl shows it."""
        return self.text("systemctl", "show", f"--property={field}", "--value", unit)

    def pid(self):
        return int(self.unit("MainPID"))

    def get(self, path):
        return get(self.port, path)

    def wait_healthy(self):
        wait_until(lambda: self.get("/health") == (200, b"OK"), f"{self.name} says OK on {self.port}")

    def generate(self):
        """One id, which it must have at once."""
        status, body = self.get("/generate")
        assert status == 200, body
        return json.loads(body)["id"]

    def shard(self):
        """The machine id in an id that it gives."""
        return self.generate() & 0xFFFF

    def log(self):
        return self.text("cat", "/var/log/go-id/service.log")


def wait_for_port(port):
    wait_until(lambda: get(port, "/health")[0] == 0, f"nobody answers on {port}")


@contextlib.contextmanager
def instance(name, port, config=None, started=True):
    """A further container of the image, with volumes of its own, as launch.sh makes one; gone
    afterwards.  Without SHARD_ID, unless config has it."""
    settings = [word for key, value in (config or {}).items() for word in ("-c", f"{key}={value}")]
    image = query(f"/1.0/instances/{FIRST}")["config"]["volatile.base_image"]
    try:
        for part in ("state", "log"):
            lxc("storage", "volume", "create", POOL, f"{name}-{part}", "size=128MiB")
        lxc("init", image, name, "--no-profiles", "--storage", POOL, *settings)
        lxc("config", "device", "add", name, "eth0", "nic", "name=eth0", "nictype=bridged", "parent=lxdbr0")
        lxc("config", "device", "add", name, "state", "disk", f"pool={POOL}", f"source={name}-state",
            "path=/var/lib/go-id")
        lxc("config", "device", "add", name, "log", "disk", f"pool={POOL}", f"source={name}-log",
            "path=/var/log/go-id")
        lxc("config", "device", "add", name, "api", "proxy", f"listen=tcp:127.0.0.1:{port}",
            "connect=tcp:127.0.0.1:7001")
        made = Container(name, port)
        if started:
            made.start()
            made.wait_healthy()
        yield made
    finally:
        remove(name)


def remove(name):
    """A container and its volumes, as far as they are there."""
    lxc("delete", "--force", name, check=False)
    for part in ("state", "log"):
        lxc("storage", "volume", "delete", POOL, f"{name}-{part}", check=False)


def volume_size(name, size):
    lxc("storage", "volume", "set", POOL, name, f"size={size}")


def report():
    """What there is to know when a test has failed."""
    for path in sorted(WORK.glob("lxd.*")) if WORK.exists() else []:
        if path.is_file():
            print(f"--- {path.name}, its end ---\n" + "\n".join(path.read_text(errors="replace").splitlines()[-40:]))
    listed = lxc("list", "--format=csv", "--columns=ns", check=False, timeout=20).stdout
    print(f"--- containers ---\n{listed}")
    for line in listed.splitlines():
        name, _, state = line.partition(",")
        if re.fullmatch("RUNNING", state):
            for command in (["systemctl", "status", "go-id", "--no-pager", "--lines=0"],
                            ["journalctl", "--boot", "--no-pager", "--lines=60"]):
                said = lxc("exec", name, "--", *command, check=False, timeout=20)
                print(f"--- {name}: {' '.join(command)} ---\n{said.stdout}{said.stderr}")
