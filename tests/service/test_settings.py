"""Settings: from the file, the environment and the command line to the daemon's behaviour.

Messages and forms one by one are in tests/unit/test_settings*.c.  Here: that the daemon keeps to
them, that a shell and systemd read the same files alike, and that the documents say what the
program does.
"""

import json
import os
import pathlib
import re
import shlex
import socket
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon, run_to_end, wait_until
from http_client import Connection, expect_problem, get, request
from ids import machine_id_of
from settings_commands import DEFAULTS, effective, refused

ROOT = pathlib.Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "settings.md"

# Every setting, none at its default, with what needs quotes and what does not.
EVERYTHING = """\
# go-id here

SHARD_ID=64-127
SHARD_BASE=0
TOTAL_SHARDS="65536"
SERVICE_PORT='7002'
LISTEN_ADDRESS=127.0.0.1,[::1],::,unix:/run/go-id/socket
UNIX_SOCKET_MODE=0660
UNIX_SOCKET_GROUP=www-data
ALLOW_ROOT=1
AUTH_TOKEN_FILE=/etc/go-id/tokens
START_TIME=2020-02-29T23:59:59.5+02:00
MIN_ID=9223372036854775807
INSTANCE_NAME=ids-1.example_org
STATE_DIRECTORY='/srv/"go-id"'
LOCK_DIRECTORY="/run/lock/ids: all"
MARK_WINDOW=1500ms
TIME_SOURCE=ntp:ntp-1.example.org,192.0.2.1:1123,[2001:db8::1],[::1]:123
REQUIRE_CLOCK_SYNC=1
MAX_CLOCK_LEAD='20min'
MAX_CLOCK_LEAP=unlimited
WORKERS=3
MAX_CONNECTIONS=100
MAX_CONNECTIONS_PER_CLIENT=9
RATE_LIMIT=1000000
RATE_LIMIT_BURST=1
TRUSTED_PROXIES=10.0.0.0/8,unix
PROXY_PROTOCOL=1
  MAX_BATCH=99
MAX_WAIT_MS=0
HEAD_TIMEOUT_MS=10
IDLE_TIMEOUT_MS=86400000
WRITE_TIMEOUT_MS=3600000
DRAIN_TIMEOUT_MS=60000
LANDLOCK=0
SECCOMP=0
LOG_LEVEL="debug"
LOG_FILE="/var/log/it's go-id #1 ~ * | & ; (é).log"
LOG_FILE_MAX=8M
"""


def as_a_shell_reads_it(text, directory):
    """The values that a POSIX shell takes from a file, having checked its syntax."""
    path = directory / "go-id.conf"
    path.write_text(text, encoding="utf-8")
    subprocess.run(["sh", "-n", path], timeout=DEADLINE_S, check=True)
    script = f"set -eua; . {shlex.quote(str(path))}; env -0"
    done = subprocess.run(["env", "-i", "sh", "-c", script], capture_output=True,
                          timeout=DEADLINE_S, check=True)
    assert done.stderr == b""
    found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    return {name: found.get(name) for name in DEFAULTS}


def as_systemd_reads_it(text):
    """The values that systemd takes from an EnvironmentFile=.

    After the states of its parser (src/basic/env-file.c), without those for a backslash, which
    no value may hold.
    """
    assert "\\" not in re.sub("^#.*$", "", text, flags=re.MULTILINE)
    found, state, name, value, kept = dict.fromkeys(DEFAULTS), "before name", "", "", 0
    for char in text + "\n":
        if state == "comment":
            state = "before name" if char == "\n" else state
        elif state == "before name":
            if char in "#;":
                state = "comment"
            elif not char.isspace():
                state, name = "name", char
        elif state == "name":
            if char == "\n":
                state = "before name"  # a line that is no assignment is passed over
            elif char == "=":
                state, value, kept = "before value", "", 0
            else:
                name += char
        elif state in ("'", '"'):
            if char == state:
                state = "before value"
            else:
                value += char
                kept = len(value)
        elif char == "\n":
            found[name.rstrip()] = value[:kept]  # blanks at the end do not count
            state = "before name"
        elif state == "before value" and char in "'\"":
            state = char
        elif state == "value" or not char.isspace():
            state, value = "value", value + char
            kept = len(value.rstrip()) if char.isspace() else len(value)
    return found


def sample():
    done = run_to_end(["config", "--sample"])
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def help_text():
    return run_to_end(["serve", "--help"]).stdout


def help_rows():
    """{name: (default, help, values)} of `go-id serve --help`."""
    settings = help_text().split("Settings, from")[1].split("\nSIGTERM")[0]
    rows = {}
    for name, default, text in re.findall(r"^  (\w+) \(default: (.*)\)\n((?:      .*\n)+)",
                                          settings, re.MULTILINE):
        words, _, values = " ".join(text.split()).rpartition(" Takes ")
        rows[name] = (default, words, values.removesuffix("."))
    return rows


# ---- Documents -----------------------------------------------------------------------------------


def test_the_document_says_what_help_says():
    table = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \| (.*?) \|$",
                       DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    rows = help_rows()
    assert list(rows) == list(DEFAULTS)
    assert [row[0] for row in table] == list(rows)  # the same order, none twice
    for name, default, values, text in table:
        assert (default, text, values) == rows[name], name


def test_the_defaults_are_those_that_help_shows():
    rows = help_rows()
    values, _ = effective("")
    assert values == DEFAULTS
    for name, value in values.items():
        assert value in (rows[name][0], None)


def console_examples(text):
    """(command, what it prints) of all consoles that a document shows with go-id in them."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if re.search(r"^\$ .*\bgo-id ", block, re.MULTILINE):
            yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def test_the_consoles_in_the_document_show_what_the_program_says(directory):
    (directory / "go-id").symlink_to(GO_ID)
    examples = list(console_examples(DOCUMENT.read_text(encoding="utf-8")))
    assert len(examples) >= 9
    for command, shown in examples:
        if command.startswith("cat "):  # the document gives the file
            (directory / command.removeprefix("cat ")).write_text(shown, encoding="utf-8")
        done = subprocess.run(["sh", "-c", command], cwd=directory, text=True,
                              env={"PATH": f"{directory}:/usr/bin:/bin"}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False)
        assert done.stdout == shown, command


def test_the_file_in_the_document_is_read_alike_by_all(directory):
    text = re.search(r"```ini\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]
    shell = as_a_shell_reads_it(text, directory)
    assert shell == as_systemd_reads_it(text)
    assert effective(text)[0] == {name: shell[name] or value for name, value in DEFAULTS.items()}
    assert shell["SHARD_ID"] == "64-127"


@pytest.mark.parametrize("document", ["README.md", "docs/http_api.md"])
def test_the_ids_in_a_document_have_the_times_shown_with_them(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    shown = re.findall(r'\{"ids?":\[?(?:[0-9]+,)*([0-9]+)\]?,"timestamp":([0-9]+)\}', text)
    assert shown
    for value, timestamp in shown:
        decoded = json.loads(run_to_end(["decode", "--json", value]).stdout)
        assert decoded["unix_ms"] // 1000 == int(timestamp)
    for line in re.findall(r'^\{"id":.*"machine_id":.*\}$', text, re.MULTILINE):
        value = json.loads(line)["id"]
        assert run_to_end(["decode", "--json", str(value)]).stdout == line + "\n"


# ---- Files that a shell and systemd read alike ---------------------------------------------------


def test_the_sample_changes_nothing(directory):
    assert effective(sample())[0] == DEFAULTS
    assert set(as_a_shell_reads_it(sample(), directory).values()) == {None}
    assert set(as_systemd_reads_it(sample()).values()) == {None}


def test_the_sample_without_comment_signs_holds_the_defaults(directory):
    text = re.sub(r"^#(\w+=.+)$", r"\1", sample(), flags=re.MULTILINE)
    values, printed = effective(text)
    assert values == as_a_shell_reads_it(text, directory) == as_systemd_reads_it(text) == DEFAULTS
    assert printed.count("# from /dev/stdin:") == sum(v is not None for v in DEFAULTS.values())


def test_the_sample_fits_a_terminal():
    assert max(map(len, sample().splitlines())) <= 80


def test_a_shell_and_systemd_read_the_same_values(directory):
    values, _ = effective(EVERYTHING)
    assert None not in values.values()
    assert not set(values.items()) & set(DEFAULTS.items())
    assert as_a_shell_reads_it(EVERYTHING, directory) == values
    assert as_systemd_reads_it(EVERYTHING) == values


def test_what_config_prints_is_a_config_file(directory):
    values, printed = effective(EVERYTHING)
    assert effective(printed)[0] == values
    assert as_a_shell_reads_it(printed, directory) == as_systemd_reads_it(printed) == values


@pytest.mark.parametrize("path", ["/a$b", "/a`b", "/a\\b", "/a\nSHARD_ID=3", "/\x1b", "/'\""])
def test_a_value_that_no_file_could_hold_is_refused(path):
    [message] = refused(run_to_end(["config"], env={"LOG_FILE": path}))
    assert message.startswith("environment: 'LOG_FILE': ")
    assert message.endswith("must not hold control characters, '$', '`', '\\' or both kinds of "
                            "quotes")


# ---- Where values come from ----------------------------------------------------------------------


def test_config_says_where_each_value_comes_from():
    _, printed = effective("\nMAX_BATCH=5\nWORKERS=2\n", env={"WORKERS": "4"})
    assert "# from /dev/stdin:2\nMAX_BATCH=\"5\"\n" in printed
    assert "# from the environment\nWORKERS=\"4\"\n" in printed
    assert "# default\nSERVICE_PORT=\"7001\"\n" in printed
    assert "# default\n#TOTAL_SHARDS= (unset: no check)\n" in printed


def test_the_environment_goes_before_the_file():
    with daemon(config="SHARD_ID=5\nMAX_BATCH=3\n", env={"SHARD_ID": "6"}) as server:
        assert machine_id_of(get(server.address, "/generate").json()["id"]) == 6
        assert get(server.address, "/generate?count=3").status == 200
        assert get(server.address, "/generate?count=4").status == 400


def test_listen_goes_before_address_and_port(directory):
    env = {"LISTEN_ADDRESS": f"unix:{directory}/unused", "SERVICE_PORT": "1"}
    with daemon(env=env) as server:
        assert server.address[0] == "127.0.0.1"
        assert not (directory / "unused").exists()


def test_listen_may_be_repeated(directory):
    listen = ["127.0.0.1:0", "127.0.0.1:0", f"unix:{directory}/socket"]
    args = ["--listen", listen[1], "--listen", listen[2]]
    with daemon(listen=listen[:1], args=args) as server:
        assert get(f"{directory}/socket", "/health").status == 200
        assert len(set(re.findall(r"event=listening address=(\S+)", server.log()))) == 3


def test_every_address_of_the_list_is_served_on_the_service_port(directory):
    path = f"{directory}/socket"
    # Kept open, so that nobody else is given its number; the daemon listens beside it.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {"LISTEN_ADDRESS": f"127.0.0.2,[::1],127.0.0.3,unix:{path}", "SERVICE_PORT": port}
        without_listen = ["sh", "-c", 'exec "$0" "$1" "$4" "$5"']  # serve --ready-fd N
        with daemon(env=env, listen=["-"] * 4, tracer=without_listen) as server:
            assert server.addresses == [("127.0.0.2", port), ("::1", port), ("127.0.0.3", port),
                                        path]
            for address in server.addresses:
                assert get(address, "/health").body == b"OK"


def test_the_service_port_is_that_of_every_address():
    # Taken by a daemon that let the kernel choose, so that both fail with this number in the log.
    with daemon(listen=["127.0.0.1:0"]) as server:
        port = server.address[1]
        done = run_to_end(["serve"], env={"SERVICE_PORT": port, "LISTEN_ADDRESS": "127.0.0.1"})
    assert done.returncode == 1
    assert f"address=127.0.0.1:{port} " in done.stderr


@pytest.mark.parametrize("text, first, last", [
    ("0", 0, 0), ("65535", 65535, 65535), ("64-127", 64, 127), ("0-65535", 0, 65535),
    ("9-9", 9, 9),
])
def test_every_shard_is_legal(text, first, last):
    with daemon(env={"SHARD_ID": text}) as server:
        ids = get(server.address, "/generate?count=512").json()["ids"]
        assert {machine_id_of(value) for value in ids} <= set(range(first, last + 1))
        assert f"shard_first={first} shard_last={last} " in server.log()
        assert "event=shard_default" not in server.log()


def test_without_a_shard_it_is_1_and_the_log_says_so():
    with daemon() as server:
        assert machine_id_of(get(server.address, "/generate").json()["id"]) == 1
        line = wait_until(lambda: re.search("event=shard_default.*", server.log()), "a line")[0]
        assert "SHARD_ID is not set" in line


@pytest.mark.parametrize("shard, total", [("7", "7"), ("0-5", "5"), ("65535", "65536")])
def test_the_last_shard_may_be_the_number_of_shards(shard, total):
    with daemon(env={"SHARD_ID": shard, "TOTAL_SHARDS": total}) as server:
        assert get(server.address, "/health").status == 200


def test_a_request_may_wait_as_long_as_max_wait_ms_says():
    """Eight ticks' worth of ids at once: all of them a little later, or most of them never."""
    def statuses(env):
        with daemon(env=env) as server, Connection(server.address) as connection:
            # Those of the tick in which it starts are not for it: somebody may have had them.
            wait_until(lambda: connection.get("/generate").status == 200, "the first id")
            connection.send(20 * request("/generate?count=100"))
            answers = [connection.read_response() for _ in range(20)]
        for answer in answers:
            if answer.status != 200:
                expect_problem(answer, 503)
                assert int(answer.headers["retry-after"]) >= 1
        return [answer.status for answer in answers]

    assert set(statuses({})) == {200}
    assert set(statuses({"MAX_WAIT_MS": 0})) == {200, 503}


@pytest.mark.parametrize("level, events", [
    ("error", []), ("warn", ["suspicious_setting"]),
    ("info", ["suspicious_setting", "listening", "ready", "stopped"]),
    ("debug", ["suspicious_setting", "listening", "ready", "request", "stopped"]),
])
def test_the_log_holds_what_its_level_lets_through(level, events):
    with daemon(env={"LOG_LEVEL": level, "SHARDID": "7"}) as server:
        assert get(server.address, "/health").status == 200
        assert server.stop() == 0
        found = re.findall("event=([a-z_]+)", server.log())
        assert set(events) <= set(found)
        assert events or not found
        assert "request" in events or "request" not in found


def test_the_log_file_gets_the_hints_too(directory):
    with daemon(env={"LOG_FILE": directory / "log", "SHARDID": "7"}):
        assert "event=suspicious_setting" in (directory / "log").read_text()


def test_the_log_file_is_created_for_owner_and_group(directory):
    before = os.umask(0)
    try:
        with daemon(env={"LOG_FILE": directory / "log"}):
            assert (directory / "log").stat().st_mode & 0o7777 == 0o640
    finally:
        os.umask(before)


# ---- Names that are nearly ours ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SHARDID", "SHARD-ID", "SHARD_IDS", "shard_id", "SHARD_1D"])
def test_a_variable_that_is_nearly_ours_is_pointed_out(name):
    hint = f"environment: {name} is ignored; did you mean SHARD_ID?"
    with daemon(env={name: "7"}) as server:
        assert f'level=warn event=suspicious_setting hint="{hint}"\n' in server.log()
        assert machine_id_of(get(server.address, "/generate").json()["id"]) == 1
    done = run_to_end(["config"], env={name: "7"})
    assert (done.returncode, done.stderr) == (0, hint + "\n")


def test_a_variable_of_another_program_is_not():
    with daemon(env={"PORT": "1", "HOME": "/", "SHARD": "3", "MAX": "5", "GO_ID": "x"}) as server:
        assert "suspicious" not in server.log()


def test_a_strange_name_does_not_break_a_line_of_the_log():
    with daemon(env={"SHARD\nID": "7", 'SHARD"ID': "7"}) as server:
        found = re.findall(r'^ts=\S+ level=warn event=suspicious_setting hint="environment: '
                           "(.*) is", server.log(), re.MULTILINE)
        assert sorted(found) == [r"SHARD\"ID", r"SHARD\x0aID"]
