"""SHARD_ID, as it is set from outside: `lxc config set NAME environment.SHARD_ID=...`.

A running container's PID 1 does not see it; what stands in front of systemctl does
(container/files/usr/local/bin/systemctl).  Each test says what a user types and which shard is in
the ids afterwards.
"""

import shlex

import pytest

import lxd
from documents import section

NAME = "go-id-shard1"


@pytest.fixture(name="shard1", scope="module")
def fixture_shard1(first):
    """A container that nobody has given a shard."""
    assert first
    with lxd.instance(NAME, 7101) as made:
        yield made


def set_shard(value):
    lxd.sh(f"lxc config set {NAME} environment.SHARD_ID={value}")


def systemctl(command, check=True):
    return lxd.sh(f"lxc exec {NAME} -- systemctl {command}", check)


@pytest.fixture(name="fresh", autouse=True)
def fixture_fresh(shard1):
    """Each test begins with a service that runs by default, and with nothing on record."""
    lxd.lxc("config", "unset", NAME, "environment.SHARD_ID", check=False)  # it may not be set
    if shard1.exec("test", "-e", "/run/go-id.env", check=False).returncode == 0 or shard1.shard() != 1:
        shard1.restart()
        shard1.wait_healthy()
    assert shard1.shard() == 1


def test_the_documented_lines_where_the_service_is_stopped(shard1):
    set_shard(4)
    systemctl("restart go-id")
    shard1.wait_healthy()
    assert shard1.shard() == 4
    systemctl("stop go-id")
    for command in section("docs/operations.md", "SHARD_ID"):
        lxd.sh(command)
    shard1.wait_healthy()
    assert shard1.shard() == 1


def test_set_and_start_where_the_service_runs_by_default(shard1):
    """Nobody had asked for shard 1, so that is not kept."""
    lxd.sh("lxc config set go-id-shard1 environment.SHARD_ID=6")
    said = lxd.sh("lxc exec go-id-shard1 -- systemctl start go-id")
    assert "shard 1 becomes 6" in said.stderr
    shard1.wait_healthy()
    assert shard1.shard() == 6


def test_set_before_the_container_starts(shard1):
    lxd.lxc("stop", NAME)
    set_shard(7)
    shard1.start()
    shard1.wait_healthy()
    assert shard1.shard() == 7
    systemctl("start go-id")
    assert shard1.shard() == 7


def test_a_change_takes_effect_on_restart_and_lasts(shard1):
    for value in (8, 9):
        set_shard(value)
        systemctl("restart go-id")
        shard1.wait_healthy()
        assert shard1.shard() == value
    # Whoever restarts it afterwards: systemd after a crash, a boot.
    shard1.exec("kill", "-9", shard1.pid())
    shard1.wait_healthy()
    assert shard1.shard() == 9
    shard1.restart()
    shard1.wait_healthy()
    assert shard1.shard() == 9


def test_a_range_of_shards(shard1):
    set_shard("64-127")
    systemctl("restart go-id.service")
    shard1.wait_healthy()
    assert 64 <= shard1.shard() <= 127


def test_options_before_the_verb_make_no_difference(shard1):
    set_shard(15)
    systemctl("--type service restart go-id")
    shard1.wait_healthy()
    assert shard1.shard() == 15


def test_a_start_that_would_keep_another_shard_says_so(shard1):
    set_shard(10)
    systemctl("start go-id")
    shard1.wait_healthy()
    pid = shard1.pid()
    set_shard(11)
    said = systemctl("start go-id", check=False)
    assert said.returncode != 0
    assert "runs as shard 10, not 11" in said.stderr and "systemctl restart go-id" in said.stderr
    assert shard1.pid() == pid and shard1.shard() == 10
    # Nor does it come later, behind one's back.
    shard1.exec("kill", "-9", pid)
    shard1.wait_healthy()
    assert shard1.shard() == 10
    systemctl("restart go-id")
    shard1.wait_healthy()
    assert shard1.shard() == 11


def test_unset_again_is_told_and_comes_with_the_next_boot(shard1):
    set_shard(12)
    systemctl("restart go-id")
    lxd.lxc("config", "unset", NAME, "environment.SHARD_ID")
    said = systemctl("restart go-id")
    assert "not set any more: still shard 12" in said.stderr
    shard1.wait_healthy()
    assert shard1.shard() == 12
    shard1.restart()
    shard1.wait_healthy()
    assert shard1.shard() == 1


@pytest.mark.parametrize("value", ["seven", "65536", "-1", "9-3", "1;reboot", " 1"])
def test_a_value_that_is_none_changes_nothing(shard1, value):
    pid = shard1.pid()
    set_shard(shlex.quote(value))
    for command in ("restart go-id", "start go-id"):
        said = systemctl(command, check=False)
        assert said.returncode != 0
        assert "'SHARD_ID'" in said.stderr and "nothing was changed" in said.stderr
    assert shard1.pid() == pid and shard1.shard() == 1


def test_from_a_shell_inside(shard1):
    set_shard(13)
    lxd.sh(f"lxc exec {NAME} -- sh -c 'systemctl restart go-id; true'")
    shard1.wait_healthy()
    assert shard1.shard() == 13
    # A command that does not know the shard does not change it.
    lxd.sh(f"lxc exec {NAME} -- sh -c 'env -u SHARD_ID systemctl restart go-id; true'")
    shard1.wait_healthy()
    assert shard1.shard() == 13


def test_other_commands_are_left_alone(shard1):
    pid = shard1.pid()
    set_shard(14)
    systemctl("status go-id")
    systemctl("restart systemd-journald")
    assert systemctl("is-active go-id").stdout.strip() == "active"
    assert shard1.pid() == pid and shard1.shard() == 1
    assert shard1.exec("test", "-e", "/run/go-id.env", check=False).returncode != 0
