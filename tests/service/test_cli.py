"""The subcommands besides serve: what they print, and how they end."""

import json
import pathlib
import re
import subprocess

import pytest

import harness
from http_client import get
from ids import ID_MAX, compose

COMMANDS = ["serve", "generate", "decode", "health", "config", "state", "version", "help"]
DAEMON = {"env": {"SHARD_ID": "7"}}


def go_id(*args, **options):
    return harness.run_to_end(args, **options)


def decode_lines(text, *options):
    """Runs `go-id decode -` with text as its standard input."""
    return subprocess.run([harness.GO_ID, "decode", *options, "-"], input=text, text=True,
                          capture_output=True, timeout=harness.DEADLINE_S, check=False)


# ---- Help and usage ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS[:-1])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(command, option):
    done = go_id(command, option)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: go-id {command}")
    assert done.stderr == ""
    assert go_id("help", command).stdout == done.stdout


@pytest.mark.parametrize("args", [["help"], ["--help"], ["-h"], ["help", "--help"],
                                  ["help", "help"]])
def test_help_lists_every_command(args):
    done = go_id(*args)
    assert done.returncode == 0
    assert re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE) == COMMANDS


def test_help_of_serve_names_every_path():
    document = (pathlib.Path(__file__).parents[2] / "docs/openapi.yaml").read_text(encoding="utf-8")
    paths = re.findall(r"^  (/\S*):$", document, re.MULTILINE)
    assert len(paths) >= 9
    (line,) = [line for line in go_id("serve", "--help").stdout.splitlines() if line.startswith("/")]
    assert sorted(line.split()) == sorted(path.replace("{id}", "ID") for path in paths)


def test_without_a_command_help_is_an_error():
    done = go_id()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == go_id("help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(command):
    assert max(map(len, go_id("help", command).stdout.splitlines())) <= 80


@pytest.mark.parametrize("args, hint", [
    (["serv"], "did you mean 'serve'?"),
    (["healht"], "did you mean 'health'?"),
    (["DECODE"], "did you mean 'decode'?"),
    (["help", "confg"], "did you mean 'config'?"),
    (["frobnicate"], "'go-id help' lists the commands"),
    ([""], "'go-id help' lists the commands"),
])
def test_an_unknown_command_is_guessed(args, hint):
    done = go_id(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"go-id: there is no command '{args[-1]}'; {hint}\n"


@pytest.mark.parametrize("args, message", [
    (["serve", "--frob"], "unrecognized option '--frob'"),
    (["decode", "--frob"], "unrecognized option '--frob'"),
    (["health", "--frob"], "unrecognized option '--frob'"),
    (["config", "--frob"], "unrecognized option '--frob'"),
    (["version", "--frob"], "unrecognized option '--frob'"),
    (["serve", "-x"], "invalid option -- 'x'"),
    (["serve", "--config"], "option '--config' requires an argument"),
    (["serve", "--listen"], "option '--listen' requires an argument"),
    (["serve", "--help=yes"], "option '--help' doesn't allow an argument"),
    (["serve", "7001"], "unexpected argument '7001'"),
    (["config", "x"], "unexpected argument 'x'"),
    (["version", "x"], "unexpected argument 'x'"),
    (["health", "http://a", "http://b"], "one URL is enough"),
    (["decode"], "an ID is missing"),
    (["decode", "--json"], "an ID is missing"),
])
def test_a_wrong_argument_is_named(args, message):
    done = go_id(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"go-id {args[0]}: {message}\n"
                           f"'go-id {args[0]} --help' shows the options\n")


@pytest.mark.parametrize("text", ["", "0", "1", "2", "-1", "+3", "3x", "9999", "99999999999"])
def test_ready_fd_must_be_open(text):
    done = go_id("serve", "--listen", "127.0.0.1:0", "--ready-fd", text)
    assert done.returncode == 2
    assert done.stderr == ("go-id serve: --ready-fd must be the number of an open descriptor "
                           f"from 3 on, not '{text}'\n")


@pytest.mark.parametrize("args", [["version"], ["--version"], ["-V"]])
def test_version_names_go_id_and_its_compiler(args):
    done = go_id(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"go-id [0-9]+\.[0-9]+\.[0-9]+ \(.*(gcc|[Cc]lang) [0-9]+.*\)\n",
                        done.stdout)


def test_the_version_is_that_of_the_service(server):
    version = get(server.address, "/info").json()["version"]
    assert go_id("version").stdout.split()[1] == version


@pytest.mark.parametrize("args", [["help"], ["serve", "--help"], ["version"], ["decode", "1"],
                                  ["config"], ["config", "--sample"]])
def test_output_that_cannot_be_written_is_a_failure(args):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([harness.GO_ID, *args], stdout=full, stderr=subprocess.PIPE,
                              env={}, text=True, timeout=harness.DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (1, "go-id: cannot write to standard output; make "
                                              "room there, or write elsewhere\n")


# ---- decode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, compose(1, 2, 3), compose(99, 255, 65535),
                                   compose(38_000_000_000, 17, 4242), ID_MAX])
def test_decode_prints_the_json_of_the_service(server, value):
    done = go_id("decode", "--json", str(value))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode() == get(server.address, f"/decode/{value}").body.rstrip() + b"\n"


def test_decode_prints_a_table():
    done = go_id("decode", str(compose(123, 4, 5)), str(ID_MAX))
    assert (done.returncode, done.stderr) == (0, "")
    assert [re.split(" {2,}", line.strip()) for line in done.stdout.splitlines()] == [
        ["id", "time", "elapsed time", "sequence", "machine id"],
        ["2063859717", "2014-09-01T00:00:01.230Z", "123", "4", "5"],
        [str(ID_MAX), "2188-11-16T03:28:58.870Z", "549755813887", "255", "65535"],
    ]


def test_decode_takes_hexadecimal():
    args = ["0x7fffffffffffffff", "0xAb", "0x0"]
    done = go_id("decode", "--json", *args)
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [ID_MAX, 0xab, 0]


@pytest.mark.parametrize("start, time", [
    ("2020-01-01T00:00:00Z", "2020-01-01T00:00:01.230Z"),
    ("2020-01-01T02:00:00+02:00", "2020-01-01T00:00:01.230Z"),
    ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01.230Z"),
])
def test_decode_counts_from_a_start_time(start, time):
    done = go_id("decode", "--json", "--start-time", start, str(compose(123, 0, 0)))
    assert json.loads(done.stdout)["time"] == time


def test_decode_with_the_start_time_of_a_service_agrees_with_it():
    start = "2020-02-29T23:59:59.5Z"
    with harness.daemon(env={"START_TIME": start, "SHARD_ID": "9"}) as server:
        value = get(server.address, "/generate").json()["id"]
        shown = get(server.address, f"/decode/{value}").body.rstrip().decode()
    assert go_id("decode", "--json", "--start-time", start, str(value)).stdout == shown + "\n"
    assert go_id("decode", "--json", str(value)).stdout != shown + "\n"


@pytest.mark.parametrize("start", ["", "2020", "2020-01-01", "2020-02-30T00:00:00Z",
                                   "1969-12-31T23:59:59Z", "now"])
def test_decode_refuses_what_is_no_start_time(start):
    done = go_id("decode", "--start-time", start, "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("go-id decode: --start-time must be a time from 1970 on, such as "
                           f"2014-09-01T00:00:00Z, not '{start}'\n")


def test_decode_refuses_a_time_that_nobody_can_write():
    done = go_id("decode", "--start-time", "2200-01-01T00:00:00Z", str(ID_MAX), "1")
    assert done.returncode == 1
    assert "lies past the year 2262" in done.stderr
    assert len(done.stdout.splitlines()) == 2  # the heading and the other id


def test_decode_names_everything_that_is_no_id():
    bad = ["x", "-1", "+1", "1.5", " 1", "1 ", "0x", "0xg", str(ID_MAX + 1), str(2**64),
           "0x8000000000000000", "9" * 30]
    done = go_id("decode", "--json", "--", "1", *bad, "2")
    assert done.returncode == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
    for text, message in zip(bad, done.stderr.splitlines(), strict=True):
        assert message == (f'go-id decode: "{text}" cannot be an id: a number from 0 to '
                           "9223372036854775807, or 0x0 to 0x7fffffffffffffff")


def test_decode_escapes_what_is_no_id():
    done = decode_lines("\x1b[2J\n12\0\n")
    assert done.returncode == 1
    assert r'"\x1b[2J" cannot be an id' in done.stderr
    assert r'"12\x00" cannot be an id' in done.stderr
    assert "\x1b" not in done.stderr and "\0" not in done.stderr


def test_decode_reads_ids_from_standard_input():
    done = decode_lines("1\n\n0x10\r\n3", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 16, 3]


def test_decode_reads_a_line_as_a_whole():
    done = decode_lines("1" * 10_000 + "\n5\n", "--json")
    assert done.returncode == 1
    assert done.stderr.count("cannot be an id") == 1
    assert json.loads(done.stdout)["id"] == 5


def test_decode_of_nothing_prints_nothing():
    done = decode_lines("")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_decode_says_when_it_cannot_read():
    with open("/dev/null", "wb") as stdin:  # not open for reading
        done = subprocess.run([harness.GO_ID, "decode", "-"], stdin=stdin, capture_output=True,
                              text=True, timeout=harness.DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (
        1, "go-id decode: cannot read standard input; redirect it from a file or a pipe\n")
