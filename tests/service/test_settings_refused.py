"""Settings that a daemon refuses to start with: what it says, and its exit status."""

import os
import re
import resource
import shutil
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon, run_to_end
from http_client import get
from settings_commands import DEFAULTS, effective, refused, serve

NOBODY = 65534


# ---- Good values that cannot be had --------------------------------------------------------------


def failed(done):
    """The log of a daemon that could not start: exit status 1, and never ready."""
    assert (done.returncode, done.stdout) == (1, "")
    assert "event=ready" not in done.stderr and "event=listening" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("start", ["2100-01-01T00:00:00Z", "2262-01-01T00:00:00Z"])
def test_a_start_time_ahead_of_the_clock_is_named(start):
    log = failed(serve(env={"START_TIME": start}))
    assert 'reason="the time lies before the start time"' in log
    assert f"start_time={start[:-1]}.000Z" in log and "START_TIME" in log


@pytest.mark.parametrize("path, error", [("/nonexistent/log", "ENOENT"), ("/", "EISDIR"),
                                         ("/dev/null/log", "ENOTDIR")])
def test_a_log_file_that_cannot_be_opened_is_named(path, error):
    log = failed(serve(env={"LOG_FILE": path}))
    assert f'level=error event=log_open_failed path="{path}" errno={error}' in log


def test_more_connections_than_open_files_are_refused_with_a_hint():
    script = 'ulimit -n 300; exec "$0" serve --listen 127.0.0.1:0'
    log = failed(subprocess.run(["sh", "-c", script, GO_ID], env={"MAX_CONNECTIONS": "1000"},
                                capture_output=True, text=True, timeout=DEADLINE_S, check=False))
    assert "event=too_few_descriptors max_connections=1000 open_files_limit=300 " in log
    possible = re.search(r'possible=(\d+) .*hint="raise the limit .*MAX_CONNECTIONS"', log)[1]
    with daemon(env={"MAX_CONNECTIONS": possible}, limits={resource.RLIMIT_NOFILE: 300}) as server:
        assert get(server.address, "/health").body == b"OK"
        assert f"max_connections={possible}\n" in server.log()


def test_the_default_of_connections_adapts_to_the_open_files():
    with daemon(limits={resource.RLIMIT_NOFILE: 300}) as server:
        assert get(server.address, "/health").body == b"OK"
        reduced = re.search("level=warn event=connections_reduced max_connections=([0-9]+) "
                            "open_files_limit=300 hint=.*LimitNOFILE=", server.log())[1]
        assert 0 < int(reduced) < 300
        assert f"max_connections={reduced}\n" in server.log()


# ---- Bad values ----------------------------------------------------------------------------------

SHARD = "'SHARD_ID' must be a number from 0 to 65535, a range such as 64-127, hostname or ip, not "
NUMBERS = {
    "TOTAL_SHARDS": (1, 65536, ""), "SERVICE_PORT": (1, 65535, ""), "MIN_ID": (0, 2**63 - 1, ""),
    "WORKERS": (1, 256, ""),
    "MAX_CONNECTIONS": (1, 1000000, ""),
    "MAX_CONNECTIONS_PER_CLIENT": (1, 1000000, ""), "RATE_LIMIT": (1, 1000000, ""),
    "RATE_LIMIT_BURST": (1, 1000000, ""), "MAX_BATCH": (1, 100000, ""),
    "MAX_WAIT_MS": (0, 60000, "of ms "), "HEAD_TIMEOUT_MS": (10, 3600000, "of ms "),
    "IDLE_TIMEOUT_MS": (10, 86400000, "of ms "), "WRITE_TIMEOUT_MS": (10, 3600000, "of ms "),
    "DRAIN_TIMEOUT_MS": (0, 60000, "of ms "),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_out_of_bounds_is_refused(name):
    low, high, unit = NUMBERS[name]
    bad = ["", "x", "-1", "+1", " 1", "1 ", "1.0", "1k", "0x10", str(high + 1), str(2**64)]
    if low > 0:
        bad.append(str(low - 1))
    for text in bad:
        [message] = refused(serve(env={name: text}))
        assert message == (f"environment: '{name}' must be a number {unit}from {low} to {high}, "
                           f'not "{text}"')


DURATIONS = {
    "MARK_WINDOW": ("100ms to 60s", ["99ms", "61s", "2min"]),
    "MAX_CLOCK_LEAD": ("100ms to 1h", ["99ms", "61min", "1d", "unlimited"]),
    "MAX_CLOCK_LEAP": ("1s to 365d, or unlimited", ["999ms", "366d", "Unlimited"]),
}


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_out_of_bounds_or_without_unit_is_refused(name):
    bounds, bad = DURATIONS[name]
    for text in bad + ["", "0", "2", "s", "-2s", "+2s", " 2s", "2 s", "2.5s", "2S", "2m", "1h5min",
                       "0s", "9223372036855ms", f"{2**64}d"]:
        [message] = refused(serve(env={name: text}))
        assert message == (f"environment: '{name}' must be a duration from {bounds}, "
                           f'not "{text}"')


@pytest.mark.parametrize("text", ["", "x", "-1", "1-", "-", "1-2-3", "65536", "0-65536", "1 - 2",
                                  "1,2", "7\n", " 7", "7 ", "+7", "0x7", "99999999999999999999"])
def test_what_is_no_shard_is_refused(text):
    [message] = refused(serve(env={"SHARD_ID": text}))
    assert message == f"environment: {SHARD}" + '"' + text.replace("\n", r"\x0a") + '"'


@pytest.mark.parametrize("env, message", [
    ({"SHARD_ID": "9-8"},
     "environment: 'SHARD_ID' is a range that ends before it begins; did you mean 8-9?"),
    ({"SHARD_ID": "8", "TOTAL_SHARDS": "7"},
     "settings: SHARD_ID 8 is above TOTAL_SHARDS 7; correct one of the two"),
    ({"SHARD_ID": "0-8", "TOTAL_SHARDS": "7"},
     "settings: SHARD_ID 8 is above TOTAL_SHARDS 7; correct one of the two"),
    ({"LOG_LEVEL": "INFO"},
     "environment: 'LOG_LEVEL' must be error, warn, info or debug, not \"INFO\"; "
     "did you mean 'info'?"),
    ({"LOG_LEVEL": "verbose"},
     "environment: 'LOG_LEVEL' must be error, warn, info or debug, not \"verbose\""),
    ({"LOG_FILE": "go-id.log"},
     "environment: 'LOG_FILE' must be an absolute path, not \"go-id.log\""),
    ({"STATE_DIRECTORY": ""},
     "environment: 'STATE_DIRECTORY' must be an absolute path, not \"\""),
    ({"LOCK_DIRECTORY": "run"}, "environment: 'LOCK_DIRECTORY' must be an absolute path, "
                                "not \"run\""),
    ({"REQUIRE_CLOCK_SYNC": "yes"}, "environment: 'REQUIRE_CLOCK_SYNC' must be 0 or 1, "
                                    "not \"yes\""),
    ({"UNIX_SOCKET_MODE": "rw"}, "environment: 'UNIX_SOCKET_MODE' must be 3 or 4 octal digits, "
                                 "such as 0660, not \"rw\""),
    ({"UNIX_SOCKET_MODE": "0668"}, "environment: 'UNIX_SOCKET_MODE' must be 3 or 4 octal digits, "
                                   "such as 0660, not \"0668\""),
    ({"UNIX_SOCKET_MODE": "1777"}, "environment: 'UNIX_SOCKET_MODE' must be 3 or 4 octal digits, "
                                   "such as 0660, not \"1777\""),
    ({"UNIX_SOCKET_GROUP": ""}, "environment: 'UNIX_SOCKET_GROUP' must be the name or the number "
                                "of a group, not \"\""),
    ({"ALLOW_ROOT": "2"}, "environment: 'ALLOW_ROOT' must be 0 or 1, not \"2\""),
    ({"AUTH_TOKEN_FILE": "tokens"},
     "environment: 'AUTH_TOKEN_FILE' must be an absolute path, not \"tokens\""),
    ({"TRUSTED_PROXIES": "proxy"},
     "environment: 'TRUSTED_PROXIES': \"proxy\" is no IP address, no network such as 10.0.0.0/8 "
     "without bits behind its prefix, and not unix"),
    ({"TRUSTED_PROXIES": "10.0.0.1/8"},
     "environment: 'TRUSTED_PROXIES': \"10.0.0.1/8\" is no IP address, no network such as "
     "10.0.0.0/8 without bits behind its prefix, and not unix"),
    ({"TRUSTED_PROXIES": "::1,"}, "environment: 'TRUSTED_PROXIES': an address is missing; write one, or take the comma away"),
    ({"TRUSTED_PROXIES": ",".join(["::1"] * 33)},
     "environment: 'TRUSTED_PROXIES': \"::1\" is one too many: there may be 32"),
    ({"PROXY_PROTOCOL": "1"},
     "settings: PROXY_PROTOCOL needs TRUSTED_PROXIES: nobody else's word is taken"),
    ({"INSTANCE_NAME": "a b"}, "environment: 'INSTANCE_NAME' must be 1 to 64 letters, digits, "
                               "'.', '-' or '_', not \"a b\""),
    ({"TIME_SOURCE": "sytem"},
     "environment: 'TIME_SOURCE' must be system, monotonic or ntp:HOST[:PORT][,HOST[:PORT]...], "
     "not \"sytem\"; did you mean 'system'?"),
    ({"TIME_SOURCE": "ntp:"}, "environment: 'TIME_SOURCE': a server is missing; write one, as in ntp:10.0.0.1, or take the comma away"),
    ({"TIME_SOURCE": "ntp:a,::1"}, "environment: 'TIME_SOURCE': \"::1\" must have brackets around "
                                   "an IPv6 address, as in [::1]:123"),
    ({"TIME_SOURCE": "ntp:a,b:0"}, "environment: 'TIME_SOURCE': \"b:0\" must have a port from 1 to "
                                   "65535 behind the ':'"),
    ({"TIME_SOURCE": "ntp:a,A:123"}, "environment: 'TIME_SOURCE': \"A:123\" is given twice; leave one out"),
    ({"TIME_SOURCE": "ntp:a,b,c,d,e,f,g,h,i"},
     "environment: 'TIME_SOURCE': \"i\" is one too many: there may be 8 servers"),
    ({"MARK_WINDOW": "10s"},
     "settings: MARK_WINDOW \"10s\" must be below MAX_CLOCK_LEAD \"10s\", or ids would wait after a "
     "crash; correct one of the two"),
    ({"STATE_DIRECTORY": "/a:/b"}, "environment: 'STATE_DIRECTORY' names several directories; "
                                   "give the unit one StateDirectory="),
    ({"START_TIME": "2014-09-01"}, "environment: 'START_TIME' must be a time from 1970 on, such as "
                                   "2014-09-01T00:00:00Z, not \"2014-09-01\""),
    ({"LISTEN_ADDRESS": "localhost"}, "environment: 'LISTEN_ADDRESS': \"localhost\" is a name; "
                                      "write the addresses: 127.0.0.1,::1"),
    ({"LISTEN_ADDRESS": "127.0.0.1,127.0.0.1"},
     "environment: 'LISTEN_ADDRESS': \"127.0.0.1\" is given twice; leave one out"),
])
def test_a_bad_value_is_named_with_what_to_do(env, message):
    assert refused(serve(env=env)) == [message]


@pytest.mark.parametrize("text, reason", [
    ("", "an address is missing; write one, or take the comma away"),
    ("127.0.0.1", "must be HOST:PORT, [IPV6]:PORT or unix:/path"),
    ("127.0.0.1:65536", "must end in a port from 0 to 65535"),
    ("127.0.0.1:", "must end in a port from 0 to 65535"),
    ("::1:7001", "must have brackets around an IPv6 address"),
    ("localhost:7001", "is a name; write the addresses"),
    ("example.org:7001", "is neither an IPv4 or IPv6 address in numbers nor unix:/path"),
    ("127.0.0.1:0,", "an address is missing; write one, or take the comma away"),
    ("unix:socket", "must name an absolute path"),
    ("unix:/" + "x" * 107, "has at most 107 bytes"),
    ("127.0.0.1:7001,127.0.0.1:7001", "is given twice; leave one out"),
])
def test_a_bad_listen_is_named_with_what_to_do(text, reason):
    [message] = refused(run_to_end(["serve", "--listen", text]))
    assert message.startswith("command line: '--listen': ") and reason in message


@pytest.mark.parametrize("first, second", [("", "127.0.0.1:0"), ("127.0.0.1:0", "")])
def test_no_listen_of_several_may_be_empty(first, second):
    [message] = refused(run_to_end(["serve", "--listen", first, "--listen", second]))
    assert message == "command line: '--listen': an address is missing; write one, or take the comma away"


def test_listen_has_a_bound():
    args = ["serve", *["--listen", "127.0.0.1:0"] * 400]
    assert refused(run_to_end(args)) == ["go-id serve: all --listen together may have 4095 bytes"]


def test_one_run_reports_every_problem_of_every_source(directory):
    config = (f"LOG_FILE={directory}/log\nSHARDID=7\nWORKERS=many\nexport LOG_LEVEL=info\n"
              "MAX_BATCH = 3\nMAX_WAIT_MS=5 # ms\nSERVICE_PORT=1\nSERVICE_PORT=2\n"
              'START_TIME="2014\nIDLE_TIMEOUT_MS=$X\nDRAIN_TIMEOUT_MS=1\r\n')
    done = serve("--listen", "x", config=config, env={"SHARD_ID": "", "TOTAL_SHARDS": "0"})
    messages = [re.sub(r"^\S*/go-id\.conf", "FILE", line) for line in refused(done)]
    assert messages == [
        "FILE:2:1: unknown setting 'SHARDID'; did you mean 'SHARD_ID'?",
        "FILE:3:9: 'WORKERS' must be a number from 1 to 256, not \"many\"",
        "FILE:4:1: write KEY=value without 'export': systemd does not know it",
        "FILE:5:10: no blank may stand before the '='",
        "FILE:6:14: a comment needs its own line",
        "FILE:8:1: 'SERVICE_PORT' was already set on line 7; keep one of the two",
        "FILE:9:12: the closing quote is missing; put it behind the value",
        "FILE:10:17: '$', '`' and '\\' are not allowed: shell and systemd would read them "
        "differently",
        "FILE:11:19: the line ends in CR LF; save the file with LF alone",
        f'environment: {SHARD}""',
        "environment: 'TOTAL_SHARDS' must be a number from 1 to 65536, not \"0\"",
        "command line: '--listen': \"x\" must be HOST:PORT, [IPV6]:PORT or unix:/path",
    ]
    assert not (directory / "log").exists()  # nothing was done


def test_a_bad_value_is_an_error_even_where_another_goes_before_it():
    [message] = refused(serve(config="SHARD_ID=x\n", env={"SHARD_ID": "7"}))
    assert message.endswith(f':1:10: {SHARD}"x"')


# ---- Files that cannot be read -------------------------------------------------------------------


@pytest.mark.parametrize("path, error", [("/nonexistent/x", "ENOENT"), ("/", "EISDIR"),
                                         ("", "ENOENT"), ("/dev/null/x", "ENOTDIR")])
def test_a_file_that_cannot_be_read_is_an_error(path, error):
    for command in ["serve", "config", "health"]:
        done = run_to_end([command, "--config", path])
        assert refused(done) == [f"{path}: cannot read the file: {error}; name one that you may read"]


def test_a_file_without_permission_is_an_error(directory):
    directory.chmod(0o755)
    path = directory / "go-id.conf"
    path.touch(mode=0)
    program = shutil.copy(GO_ID, directory)  # where everybody may run it
    done = subprocess.run([program, "serve", "--config", path], capture_output=True, text=True,
                          user=NOBODY if os.geteuid() == 0 else None, env={}, timeout=DEADLINE_S,
                          check=False)
    assert refused(done) == [f"{path}: cannot read the file: EACCES; name one that you may read"]


def test_a_file_has_a_bound():
    longest = "#" + "x" * 65534 + "\n"
    assert effective(longest)[0] == DEFAULTS
    assert refused(run_to_end(["config"], config=longest + "\n"))[0].endswith(
        ": the file is longer than 65536 bytes; shorten it")


def test_an_empty_file_is_no_error():
    assert effective("")[0] == DEFAULTS
