"""The static binary: one file, which runs where there is nothing else.

`make test` runs a part of the service tests against it as well, for musl's system calls and ours have
to agree (scripts/test.sh).
"""

import os
import re
import subprocess

import pytest

from harness import daemon, wait_until
from http_client import get
from ids import machine_id_of

STRIPPED_MAX = 350_000  # bytes

# An empty root: the binary and a folder for the state, no /proc, no /etc, no library.
EMPTY_ROOT = """
root=$0 binary=$1
shift 2
mount -t tmpfs tmpfs "$root"
cp "$binary" "$root/go-id"
mkdir "$root/state"
exec chroot "$root" /go-id "$@"
"""


def in_place_of_it(binary):
    """For the daemon of the harness: runs another binary than it names."""
    return ("sh", "-c", 'shift; exec "$0" "$@"', binary)


def readelf(*args):
    return subprocess.run(["readelf", "--wide", *args], check=True, capture_output=True,
                          text=True).stdout


def test_it_is_small(static_binary):
    assert static_binary.stat().st_size < STRIPPED_MAX


def test_it_needs_nothing(static_binary):
    assert "NEEDED" not in readelf("--dynamic", static_binary)
    assert "INTERP" not in readelf("--program-headers", static_binary)


def test_it_is_as_hard_as_it_can_be(static_binary):
    """Position independent, without a page that is writable and executable, relocations read-only."""
    assert "Type: DYN" in re.sub(" +", " ", readelf("--file-header", static_binary))
    segments = readelf("--program-headers", static_binary)
    assert "GNU_RELRO" in segments
    flags = re.findall(r"(?m)^  (LOAD|GNU_STACK) .* (R?) ?(W?) ?(E?) +0x[0-9a-f]+$", segments)
    assert {kind for kind, *_ in flags} == {"LOAD", "GNU_STACK"}
    assert not [found for found in flags if found[2] == "W" and found[3] == "E"]
    assert "TEXTREL" not in readelf("--dynamic", static_binary)


def test_it_checks_its_stack(static_build):
    assert "__stack_chk_fail" in readelf("--symbols", static_build)


def is_randomized():
    with open("/proc/sys/kernel/randomize_va_space", encoding="ascii") as file:
        return file.read().strip() != "0"


@pytest.mark.skipif(not is_randomized(), reason="this system does not choose addresses at random")
def test_two_addresses_of_two_processes_differ(static_binary, tmp_path):
    """It is loaded anywhere, as a binary with a loader is."""
    places = set()
    for number in range(8):
        with daemon(listen=[f"unix:{tmp_path}/{number}"],
                    tracer=in_place_of_it(static_binary)) as server:
            with open(f"/proc/{server.pid}/maps", encoding="ascii") as maps:
                places.add(next(line for line in maps if static_binary.name in line).split("-")[0])
    assert len(places) > 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a root folder of its own")
def test_it_serves_from_an_empty_root(static_binary, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    in_it = ("unshare", "--mount", "sh", "-ec", EMPTY_ROOT, root, static_binary)
    env = {"STATE_DIRECTORY": "/state", "LOCK_DIRECTORY": "/state", "SHARD_ID": "9"}
    with daemon(env=env, tracer=in_it) as server:
        ids = get(server.address, "/generate?count=1000").json()["ids"]
        assert len(set(ids)) == 1000 and {machine_id_of(value) for value in ids} == {9}
        assert sorted(os.listdir(f"/proc/{server.pid}/root")) == ["go-id", "state"]
        wait_until(lambda: "event=ready" in server.log(), "the log to say that it is ready")
        assert " seccomp=on" in server.log()


def test_the_same_sources_make_the_same_file(static_build, tmp_path):
    """Nothing of the folder where it was built is in it."""
    assert str(static_build.parents[2]).encode() not in static_build.read_bytes()
