"""This system, to be changed without consequences: an overlay whose upper half is in memory.

Everything lives in a mount namespace and goes with it.  Other file systems that are mounted, such as
/run, are empty in it, so no service manager is seen and none is asked to start anything.  What a
go-id on this machine has left is not there either.
"""

import pathlib
import subprocess
import tempfile

SETUP = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t tmpfs tmpfs "$1/root/tmp"
mount -t tmpfs tmpfs "$1/root/run"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
for path in /var/lib/go-id /var/log/go-id /etc/go-id; do rm -rf "$1/root$path"; done
rm -f "$1/root/var/lib/man-db/auto-update" # dpkg need not index all man pages of this system
echo mounted
exec cat >/dev/null
"""


class Sandbox:
    """A context manager; run() runs a command in it."""

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="go-id-")
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", SETUP, "sh", self.directory.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.holder.stdout.readline()
        assert line == "mounted\n", "an overlay of / could not be mounted"
        return self

    def __exit__(self, *_):
        self.holder.stdin.close()  # ends cat, and with it the namespace
        self.holder.wait()
        self.holder.stdout.close()
        self.directory.cleanup()

    def run(self, *command, check=True):
        """Runs it as root; returns its output, both streams together."""
        done = subprocess.run(
            ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "chroot",
             f"{self.directory.name}/root", *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                 "LC_ALL": "C"}, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def exists(self, path):
        return subprocess.run(
            ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "test", "-e",
             f"{self.directory.name}/root{path}"], check=False).returncode == 0

    def copy_in(self, source, name):
        """Puts a file where it is called name in the sandbox."""
        with open(source, "rb") as file:
            subprocess.run(
                ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "tee",
                 f"{self.directory.name}/root{name}"], stdin=file, stdout=subprocess.DEVNULL,
                check=True)
        return pathlib.PurePosixPath(name)
