"""Small file systems of a test's own, mounted where only this process and its children see them.

They are files behind loop devices.  The mounts are in a mount namespace of the test run and the
devices are released with the mounts, so nothing stays behind, however the run ends.
"""

import contextlib
import ctypes
import os
import pathlib
import subprocess
import tempfile

import pytest

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

LIBC = ctypes.CDLL(None, use_errno=True)

_SIZES = {"btrfs": "64M", "ext4": "16M"}
# mixed: data and metadata share the space, so that a full file system is full for both.
_MAKE = {"btrfs": ["mkfs.btrfs", "-q", "--mixed"], "ext4": ["mkfs.ext4", "-q"]}


class Namespace:
    """Whether this process may mount, found out once."""

    refused = None  # why not; None: not tried yet; "": it may

    @classmethod
    def enter(cls):
        """Skips the test, aloud, where nothing can be mounted."""
        if cls.refused is None:
            cls.refused = cls._try()
        if cls.refused:
            pytest.skip(f"file systems cannot be mounted here: {cls.refused}")

    @staticmethod
    def _try():
        if os.geteuid() != 0:
            return "the tests do not run as root"
        if LIBC.unshare(CLONE_NEWNS) != 0:
            return f"unshare(CLONE_NEWNS): {os.strerror(ctypes.get_errno())}"
        if LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
            return f"making the mounts private: {os.strerror(ctypes.get_errno())}"
        return ""


def run(*command):
    """Runs a command that must succeed; returns what it printed."""
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout


@contextlib.contextmanager
def volume(kind, options="defaults"):
    """Yields the path of a fresh file system."""
    Namespace.enter()
    with tempfile.TemporaryDirectory(prefix="go-id-") as directory:
        image, path = os.path.join(directory, "image"), pathlib.Path(directory, "mounted")
        run("truncate", "-s", _SIZES[kind], image)
        run(*_MAKE[kind], image)
        path.mkdir()
        mounted = subprocess.run(["mount", "-o", f"loop,{options}", image, str(path)],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            pytest.skip(f"{kind} cannot be mounted here: {mounted.stderr.strip()}")
        try:
            yield path
        finally:
            run("umount", path)


def subvolume(path):
    """Makes a BTRFS subvolume."""
    run("btrfs", "-q", "subvolume", "create", path)
    return path


def snapshot(source, target):
    run("btrfs", "-q", "subvolume", "snapshot", source, target)
    return target


def delete_subvolume(path):
    run("btrfs", "-q", "subvolume", "delete", path)


@contextlib.contextmanager
def filled(path):
    """While this lasts, the file system has no room."""
    filler = path / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())
    try:
        yield
    finally:
        filler.unlink()
        os.sync()


@contextlib.contextmanager
def over_quota(path, part):
    """While this lasts, the BTRFS subvolume has used up its quota."""
    group = "0/" + run("btrfs", "inspect-internal", "rootid", part).strip()
    run("btrfs", "qgroup", "limit", "1", group, path)
    try:
        yield
    finally:
        # By way of path: what is over its quota cannot even have that lifted.
        run("btrfs", "qgroup", "limit", "none", group, path)


@contextlib.contextmanager
def read_only(part):
    """While this lasts, the BTRFS subvolume is read-only, also for who has it open."""
    run("btrfs", "property", "set", "-ts", part, "ro", "true")
    try:
        yield
    finally:
        run("btrfs", "property", "set", "-ts", part, "ro", "false")


@contextlib.contextmanager
def frozen(path):
    """While this lasts, whoever writes to the file system waits."""
    run("fsfreeze", "-f", path)
    try:
        yield
    finally:
        run("fsfreeze", "-u", path)


def break_ext4(path):
    """Makes the kernel find an error: what errors=remount-ro says happens."""
    device = os.path.basename(run("findmnt", "-no", "SOURCE", path).strip())
    pathlib.Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("1", encoding="ascii")
