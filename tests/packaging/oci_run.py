"""Runs a container image as a runtime would: the user, command and environment that it names, its
root read-only, with processes, network and host name of its own.

What a real runtime has besides are cgroups and a seccomp profile.
"""

import contextlib
import os
import signal
import subprocess

from harness import DEADLINE_S, PR_SET_PDEATHSIG, PRCTL, STOP_S, wait_until

ADDRESS = "10.20.30.40"  # of the container, beside loopback

# The folders for /proc and volumes every runtime makes; then the root is sealed.
SETUP = f"""
root=$0 state=$1 user=$2 host=$3
shift 3
mkdir -p "$root/proc"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind "$state" "$root/var/lib/go-id"
mount -o remount,bind,ro "$root"
hostname "$host"
ip link set lo up
ip address add {ADDRESS}/32 dev lo
exec chroot --userspec="$user" --groups="${{user#*:}}" "$root" "$@"
"""


class Container:
    """A running one; pid is that of its first process."""

    def __init__(self, process, config, env):
        self.process = process
        self.user, self.env = config["User"], env
        self.pid = wait_until(self._first_process, "the first process of the container")

    def _first_process(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as file:
            return int(file.read() or 0)

    def inside(self, *command):
        """Runs a command that the image has, as its user, where the service runs."""
        uid, gid = self.user.split(":")
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--net", "--uts", "--root",
             "--wd", f"--setuid={uid}", f"--setgid={gid}", *command], env=self.env, check=False,
            capture_output=True, text=True, timeout=DEADLINE_S)

    def get(self, target, address=ADDRESS):
        """Asks it over its network, with a program of this system."""
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", "--net", "curl", "--silent", "--show-error",
             "--fail", f"http://{address}:7001{target}"], check=True, capture_output=True,
            text=True, timeout=DEADLINE_S).stdout

    def status(self, name):
        """The words of a line of /proc/PID/status."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(line.split()[1:] for line in file if line.startswith(name + ":"))

    def stop(self):
        """As a runtime does; returns the exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextlib.contextmanager
def container(root, config, state, host="go-id-0", env=None):
    """config is that of the image; env is what an operator adds.  Yields it once it is healthy."""
    environment = {**dict(entry.split("=", 1) for entry in config["Env"]), **(env or {})}
    command = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child",
               "sh", "-ec", SETUP, root, state, config["User"], host, *config["Entrypoint"],
               *config["Cmd"]]
    with open(state.parent / "log", "ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**environment, "PATH": os.environ["PATH"]},  # for what sets it up
            preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
    try:
        running = Container(process, config, environment)
        health = config["Healthcheck"]["Test"][1:]

        def is_healthy():
            assert process.poll() is None, (state.parent / "log").read_text()
            return running.inside(*health).returncode == 0
        wait_until(is_healthy, "the health check of the image to pass")
        yield running
    finally:
        process.kill()  # with everything in it
        process.wait()
