"""What `make install` installs: the unit, as systemd reads it, the man page, the configuration."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import daemon, wait_until
from http_client import get
from ids import machine_id_of

SOURCES = pathlib.Path(__file__).resolve().parents[2]
GO_ID = os.path.abspath(os.environ["GO_ID"])

# The folders of the unit, within which it may write.
PINNED = {"STATE_DIRECTORY", "LOCK_DIRECTORY", "LOG_FILE"}


def unit_text(prefix, name="go-id.service"):
    return (prefix / "lib/systemd/system" / name).read_text()


def unit_values(prefix, key):
    """The words of all lines KEY=..."""
    lines = re.findall(f"^{key}=(.*)$", unit_text(prefix), re.MULTILINE)
    return [word for line in lines for word in line.split()]


def said(*args):
    return subprocess.run([GO_ID, *args], check=True, capture_output=True, text=True).stdout


def all_settings():
    return re.findall("^#([A-Z_]+)=", said("config", "--sample"), re.MULTILINE)


# ---- The unit -----------------------------------------------------------------------------------


def test_systemd_finds_no_fault_with_the_units(prefix):
    done = subprocess.run(
        ["systemd-analyze", "verify", *(prefix / "lib/systemd/system" / name for name in (
            "go-id.service", "go-id@.service", "go-id.socket"))],
        env={"PATH": os.environ["PATH"], "MANPATH": str(prefix / "share/man")},
        capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name, instance", [("go-id.service", "go-id.service"),
                                            ("go-id@.service", "go-id@7.service")])
def test_the_unit_is_exposed_to_little(prefix, tmp_path, name, instance):
    """At most 1.5, as `systemd-analyze security` counts."""
    unit = tmp_path / instance
    unit.write_text(unit_text(prefix, name))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout


def test_the_paths_are_those_of_the_prefix(prefix):
    assert f"ExecStart={prefix}/bin/go-id serve --config {prefix}/etc/go-id/go-id.conf\n" \
        in unit_text(prefix)
    assert "@" not in re.sub("SystemCallFilter=.*", "", unit_text(prefix))


def test_every_setting_comes_through_from_the_environment(prefix):
    passed = unit_values(prefix, "PassEnvironment")
    assert sorted(passed) == sorted(set(all_settings()) - PINNED)


def lines_of(text):
    """The settings of a unit, without those of its environment and folders."""
    own = ("#", "Description=", "PassEnvironment=", "Environment=", "EnvironmentFile=",
           "StateDirectory=", "LogsDirectory=", "RuntimeDirectory=")
    return [line for line in text.splitlines() if not line.startswith(own)]


def test_an_instance_is_confined_as_the_service_is(prefix):
    assert lines_of(unit_text(prefix, "go-id@.service")) == lines_of(unit_text(prefix))


def settings_of_instance(prefix, instance, system):
    """What systemd gives an instance as its environment, with the folders of `system`."""
    text = unit_text(prefix, "go-id@.service").replace("%i", instance)
    words = [word for line in re.findall("^Environment=(.*)$", text, re.MULTILINE)
             for word in line.split()]
    for path in ("/var/log", "/run"):
        words = [word.replace(path, str(system / path[1:].replace("/", "-"))) for word in words]
    return dict(word.split("=", 1) for word in words)


def test_instances_live_beside_each_other(prefix, tmp_path):
    """go-id@7 is shard 7, go-id@64-127 is 64 of them; each has a socket, a state and a log."""
    for instance, shards in (("7", {7}), ("64-127", set(range(64, 128)))):
        settings = settings_of_instance(prefix, instance, tmp_path)
        socket = settings["LISTEN_ADDRESS"].removeprefix("unix:")
        for folder in (os.path.dirname(socket), os.path.dirname(settings["LOG_FILE"])):
            os.makedirs(folder)
        config = "SHARD_ID=1\nLISTEN_ADDRESS=::\nLOG_FILE=/nonexistent/service.log\n"
        effective = subprocess.run([GO_ID, "config", "--config", "/dev/stdin"], env=settings,
                                   input=config, check=True, capture_output=True, text=True).stdout
        assert f'LISTEN_ADDRESS="unix:{socket}"\n' in effective
        with daemon(env=settings, config=config, listen=[f"unix:{socket}"]) as server:
            found = {machine_id_of(value)
                     for value in get(socket, "/generate?count=10000").json()["ids"]}
            assert found == shards
            assert os.stat(socket).st_mode & 0o777 == 0o666
            wait_until(lambda: "event=ready" in open(settings["LOG_FILE"], encoding="utf-8").read(),
                       "the log of the instance")
            assert server.process.poll() is None
    assert sorted(os.listdir(tmp_path / "run/go-id")) == ["64-127", "7"]


def test_every_path_of_an_instance_is_its_own(prefix):
    text = unit_text(prefix, "go-id@.service")
    for line in ("StateDirectory=go-id/%i", "LogsDirectory=go-id/%i",
                 "RuntimeDirectory=go-id/%i lock/go-id", "EnvironmentFile=-/etc/default/go-id@%i"):
        assert f"\n{line}\n" in text
    assert "PassEnvironment" not in text


def test_no_start_limit_ends_the_service(prefix):
    """Restart=always alone gives up after five failures in ten seconds."""
    text = unit_text(prefix)
    for line in ("Restart=always", "StartLimitIntervalSec=0", "RestartPreventExitStatus=2"):
        assert f"\n{line}\n" in text


def system_calls_of(name, groups):
    """Those of a group, with those of the groups in it."""
    found = set()
    for item in groups[name]:
        found |= system_calls_of(item, groups) if item.startswith("@") else {item}
    return found


def allowed_system_calls(prefix):
    listing = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], check=True,
                             capture_output=True, text=True).stdout
    groups, name = {}, None
    for line in listing.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif line.startswith(" ") and not line.strip().startswith("#") and name:
            groups[name].append(line.strip())
        elif not line.strip():
            name = None
    allowed = set(system_calls_of("@default", groups))
    for line in re.findall("^SystemCallFilter=(.*)$", unit_text(prefix), re.MULTILINE):
        words = line.removeprefix("~").split()
        calls = set().union(*(system_calls_of(word, groups) if word.startswith("@") else {word}
                              for word in words))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


SERVICE = """
set -e
mkfifo "$1/ready"
strace -f -qq -o "$1/trace" "$2" serve --listen 127.0.0.1:0 --ready-fd 3 3>"$1/ready" 2>"$1/log" &
read -r host port <"$1/ready"
curl -sS --fail "http://$host:$port/generate?count=1000" -o /dev/null
pid=$(pgrep -P $!)
kill -HUP "$pid"
kill -TERM "$pid"
wait $!
"""


@pytest.mark.parametrize("env", [
    pytest.param({"TIME_SOURCE": "ntp:localhost:9"}, id="ntp"),
    pytest.param({"NOTIFY_SOCKET": "@go-id-nobody", "LOG_FILE_MAX": "64K"}, id="notify"),
])
def test_the_filter_lets_through_what_the_daemon_does(prefix, tmp_path, env):
    """A call that is filtered out fails in ways that no other test sees."""
    subprocess.run(["bash", "-c", SERVICE, "bash", tmp_path, prefix / "bin/go-id"], check=True,
                   env={"PATH": os.environ["PATH"], "STATE_DIRECTORY": str(tmp_path),
                        "LOCK_DIRECTORY": str(tmp_path), "LOG_FILE": str(tmp_path / "service.log"),
                        **env}, timeout=120)
    calls = set(re.findall(r"^[0-9]+ +([a-z_0-9]+)\(", (tmp_path / "trace").read_text(), re.M))
    assert {"epoll_pwait2", "accept4", "signalfd4"} <= calls  # it was the daemon that was traced
    assert calls - allowed_system_calls(prefix) == set()


def test_the_filter_lets_the_clock_be_asked(prefix):
    """What REQUIRE_CLOCK_SYNC does: adjtimex(3), which is clock_adjtime(2) or adjtimex(2)."""
    assert {"adjtimex", "clock_adjtime"} <= allowed_system_calls(prefix)
    assert "clock_settime" not in allowed_system_calls(prefix)


# ---- The rest -----------------------------------------------------------------------------------


def page(prefix, name):
    """The source of an installed page, and its text without roff."""
    path = prefix / f"share/man/man{name[-1]}/{name}.gz"
    source = gzip.decompress(path.read_bytes()).decode()
    return source, re.sub(r"\\\(aq", "'", source).replace("\\-", "-").replace("\\&", "").replace(
        "\\e", "\\")


@pytest.mark.parametrize("name", ["go-id.1", "go-id.conf.5", "sonyflake.3"])
def test_the_manual_pages_are_in_order(prefix, name):
    assert shutil.which("man") and shutil.which("groff"), "man-db or groff is missing"
    path = prefix / f"share/man/man{name[-1]}/{name}.gz"
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path],
                          capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-z"], input=page(prefix, name)[0],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["go-id.1", "go-id.conf.5", "sonyflake.3"])
def test_the_manual_pages_fit_a_terminal(prefix, name):
    """Whatever is not filled, too: declarations, synopses."""
    shown = subprocess.run(["man", "-l", prefix / f"share/man/man{name[-1]}/{name}.gz"], capture_output=True, text=True,
                           check=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}).stdout
    plain = re.sub(".\b|\x1b\\[[0-9;]*m", "", shown)
    assert len(plain.splitlines()) > 100
    assert [line for line in plain.splitlines() if len(line) > 80] == []


def test_the_man_page_says_all_that_the_help_does(prefix):
    """Word by word: the page has lines of its own."""
    plain = re.sub(r"\\f[BP]|^\.(TP|PP|br|SH .*)$", "", page(prefix, "go-id.1")[1], flags=re.MULTILINE)
    plain = " ".join(plain.split())
    commands = re.findall("^  ([a-z]+) ", said("help").split("Commands:")[1], re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        help_text = said("help") if command == "help" else said(command, "--help")
        assert " ".join(help_text.split()) in plain, command


def test_the_page_of_the_settings_is_the_table(prefix):
    """Each setting with its default, its words and what it takes, in the table's order."""
    plain = page(prefix, "go-id.conf.5")[1]
    shown = re.findall(r'^\.TP\n\.BR ([A-Z_]+) " \(default: (.*)\)"\n((?:.|\n)*?)(?=\.TP|\.SH)', plain,
                       re.MULTILINE)
    table = re.findall(r"^  ([A-Z_]+) \(default: (.*)\)\n((?:      .*\n)+)", said("serve", "--help"),
                       re.MULTILINE)
    assert [name for name, _, _ in table] == all_settings()
    assert [(name, default, text.replace(".br\n", "").split()) for name, default, text in shown] == \
        [(name, default, text.split()) for name, default, text in table]


def test_the_page_of_the_library_is_its_header(prefix):
    """Every function, type and status, and what the header says of them."""
    header = (SOURCES / "include/sonyflake.h").read_text()
    source, plain = page(prefix, "sonyflake.3")
    functions = re.findall(r"\b(sonyflake_[a-z_]+)\([^;]*\);", re.sub(r"(?s)/\*.*?\*/", "", header))
    assert len(functions) >= 16
    assert re.findall(r"^\.SS (sonyflake_[a-z_]+)\(\)$", source, re.MULTILINE) == functions
    types = re.findall(r"^((?:struct|enum) sonyflake_[a-z_]+) \{", header, re.MULTILINE)
    assert re.findall(r"^\.SS ((?:struct|enum) [a-z_]+)$", source, re.MULTILINE) == types
    statuses = re.findall(r"^    (SONYFLAKE_(?:OK|ERR_[A-Z_]+)) =", header, re.MULTILINE)
    assert re.findall(r"^\.B (SONYFLAKE_[A-Z_]+)$", source, re.MULTILINE) == statuses
    words = plain.split()
    comments = re.findall(r"(?s)/\*((?:(?!\*/).)*)\*/\n(?:SONYFLAKE_API|struct [a-z_]+ \{)", header)
    assert len(comments) >= 16
    for comment in comments:
        for line in comment.splitlines():
            line = line.strip(" *").split()
            assert " ".join(line) in " ".join(words), line
    for function in functions:
        assert (prefix / f"share/man/man3/{function}.3.gz").resolve().name == "sonyflake.3.gz"


def test_the_configuration_is_valid_and_has_a_bounded_log(prefix):
    path = prefix / "etc/go-id/go-id.conf"
    effective = subprocess.run([GO_ID, "config", "--config", path], check=True, env={},
                               capture_output=True, text=True).stdout
    assert 'LOG_FILE="/var/log/go-id/service.log"' in effective
    assert 'LOG_FILE_MAX="8M"' in effective
    for setting in all_settings():
        assert re.search(f"^#?{setting}=", path.read_text(), re.MULTILINE)


def test_a_configuration_that_is_there_is_kept(prefix):
    path = prefix / "etc/go-id/go-id.conf"
    original = path.read_text()
    path.write_text("SHARD_ID=7\n")
    subprocess.run(["cmake", "--install", os.path.dirname(GO_ID), "--prefix", prefix], check=True,
                   stdout=subprocess.DEVNULL)
    assert path.read_text() == "SHARD_ID=7\n"
    path.write_text(original)


def test_destdir_and_the_prefix_usr_give_the_paths_of_the_system(tmp_path):
    subprocess.run(["cmake", "--install", os.path.dirname(GO_ID), "--prefix", "/usr"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": str(tmp_path)})
    assert "ExecStart=/usr/bin/go-id serve --config /etc/go-id/go-id.conf\n" \
        in unit_text(tmp_path / "usr")
    assert (tmp_path / "etc/go-id/go-id.conf").exists()


def test_a_strict_umask_keeps_nothing_from_the_services_user(tmp_path):
    """What make install does, with the build folder of these tests."""
    root = tmp_path / "root"
    commands = subprocess.run(["make", "--no-print-directory", "-C", SOURCES, "-n", "-o", "release", "install",
                               f"DESTDIR={root}", "PREFIX=/usr"], check=True, capture_output=True, text=True).stdout
    assert "cmake --install out/release " in commands
    subprocess.run(["bash", "-c", "umask 077; " + commands.replace("out/release", os.path.dirname(GO_ID))], check=True,
                   stdout=subprocess.DEVNULL)
    paths = list(root.rglob("*"))
    assert root / "etc/go-id/go-id.conf" in paths and root / "usr/bin/go-id" in paths
    assert not [str(path) for path in paths if path.stat().st_mode & (bits := 0o5 if path.is_dir() else 0o4) != bits]


def test_sysusers_takes_its_file(prefix, tmp_path):
    (tmp_path / "etc").mkdir()
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}",
                           str(prefix / "lib/sysusers.d/go-id.conf")], capture_output=True,
                          text=True, check=False)
    if os.geteuid() == 0:
        assert done.returncode == 0, done.stderr
        assert re.search("^go-id:", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)


def test_the_documentation_names_every_file():
    text = (SOURCES / "docs/systemd.md").read_text()
    for name in ("go-id.socket", "/etc/default/go-id", "/etc/default/go-id@7", "go-id@7",
                 "/run/go-id.env", "service.log.1"):
        assert name in text
