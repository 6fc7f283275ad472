"""The systemctl of the container, in front of the real one: which command lines it takes for a start or a
restart of go-id; and what it does with SHARD_ID=hostname, with stand-ins for systemd and its paths.

What it does in a real container is in tests/container/inside/test_shard_id.py.
"""

import os
import re
import shlex
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon
from release import SOURCES

WRAPPER = SOURCES / "container/files/usr/local/bin/systemctl"

# In place of systemd: the service that runs has the pid in the file; everything else is noted.
SYSTEMCTL = """#!/bin/sh
case $* in
show*) cat pid ;;
*) echo "$@" >>asked ;;
esac
"""

INTENT = re.search(r"^intent\(\) \{\n.*?^\}\n", WRAPPER.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a host name of its own")


@pytest.fixture(name="systemctl")
def fixture_systemctl(tmp_path):
    """A function: runs the wrapper on a host of that name, as `lxc exec` would."""
    places = {"/usr/bin/systemctl": "./systemd", "/run/go-id.env": "./record",
              "/etc/go-id/go-id.conf": "./go-id.conf", "/usr/bin/go-id": shlex.quote(GO_ID)}
    text = WRAPPER.read_text(encoding="utf-8")
    for place, stand_in in places.items():
        assert place in text
        text = text.replace(place, stand_in)
    for name, content in (("wrapper", text), ("systemd", SYSTEMCTL)):
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "go-id.conf").write_text("", encoding="utf-8")

    def run(host, pid, *args, **env):
        (tmp_path / "pid").write_text(f"{pid}\n", encoding="ascii")
        for name in ("asked", "record"):
            (tmp_path / name).unlink(missing_ok=True)
        done = subprocess.run(
            ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec ./wrapper "$@"', host, *args],
            cwd=tmp_path, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True,
            timeout=DEADLINE_S, check=False)
        notes = [(tmp_path / name).read_text().strip() if (tmp_path / name).exists() else ""
                 for name in ("asked", "record")]
        return done.returncode, *notes, done.stderr
    return run


@pytest.mark.parametrize("intent, lines", [
    ("start", ["start go-id", "start go-id.service", "--no-block start go-id", "reload-or-restart go-id",
               "enable --now go-id", "enable go-id.socket --now", "start --now go-id", "start systemd-networkd go-id"]),
    ("restart", ["restart go-id", "--type service restart go-id", "-t service restart go-id.service",
                 "--property Id try-restart go-id", "-H host restart go-id", "restart --now go-id"]),
    ("", ["", "status go-id", "stop go-id", "is-active go-id", "enable go-id", "restart systemd-journald",
          "daemon-reload", "show --property=Id go-id", "--type service status go-id"]),
])
def test_the_verb_is_found_wherever_it_stands(intent, lines):
    script = INTENT + "".join(f'echo "$(intent {line})"\n' for line in lines)
    said = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == [intent] * len(lines)


@needs_root
def test_the_word_goes_on_record_and_the_service_reads_it(systemctl):
    assert systemctl("go-id-31", 0, "start", "go-id", SHARD_ID="hostname") == \
        (0, "start go-id", "SHARD_ID=hostname", "")


@needs_root
def test_a_service_that_runs_by_default_becomes_that_of_its_name(systemctl):
    with daemon() as server:
        code, asked, record, said = systemctl("go-id-31", server.pid, "start", "go-id",
                                              SHARD_ID="hostname")
    assert (code, asked.splitlines(), record) == \
        (0, ["start go-id", "restart go-id.service"], "SHARD_ID=hostname")
    assert "shard 1 becomes hostname" in said


@needs_root
def test_a_name_without_a_number_changes_nothing(systemctl):
    with daemon(env={"SHARD_ID": "5"}) as server:
        code, asked, record, said = systemctl("go-id", server.pid, "restart", "go-id",
                                              SHARD_ID="hostname")
    assert (code, asked, record) == (1, "", "")
    assert "does not end in a number" in said and "shard 5 goes on" in said
