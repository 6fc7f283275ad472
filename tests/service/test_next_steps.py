"""Every error that a user can cause says what to do next, not just what is wrong."""

import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, run_to_end

USAGE = "--help' shows the options"

# The arguments, the environment, and what has to be in the answer.
WRONG = [
    # commands
    (["servee"], {}, "did you mean 'serve'?"),
    (["frobnicate"], {}, "'go-id help' lists the commands"),
    (["serve", "--frob"], {}, USAGE),
    (["state"], {}, "say what to do: show, adopt, migrate, accept-clock"),
    (["state", "shwo"], {}, "did you mean 'show'?"),
    (["state", "frob"], {}, USAGE),
    (["decode"], {}, USAGE),
    (["decode", "x"], {}, "a number from 0 to 9223372036854775807"),
    (["decode", "-s", "2200-01-01T00:00:00Z", "9223372036854775807"], {},
     "give that of the service which issued it"),
    (["decode", "-s", "now", "1"], {}, "such as 2014-09-01T00:00:00Z"),
    (["generate", "-n", "0"], {}, "a number from 1 to 1000000000"),
    (["generate", "-f", "xml"], {}, "must be text, json, string or binary"),
    (["generate", "-u", "http://127.0.0.1:1"], {}, "start the service, or correct the address"),
    (["generate", "-u", "unix:/nonexistent/socket"], {}, "start the service, or correct the address"),
    (["generate", "-u", "http://no..name"], {}, "does not resolve; correct the host, or the network"),
    (["generate", "-k", "/nonexistent"], {}, "name a file that you may read with --token-file"),
    (["generate", "-k", "/dev/null"], {}, "put one on a line of its own"),
    (["health", "localhost"], {}, "of the form http://host[:port][/path] or unix:/path"),
    (["health", "http://127.0.0.1:1"], {}, "start the service, or correct the address"),
    (["state", "show"], {"STATE_DIRECTORY": "/nonexistent"},
     "name the service's directory with STATE_DIRECTORY or --config"),
    # settings
    (["config", "--config", "/nonexistent"], {}, "name one that you may read"),
    (["config"], {"SHARD_ID": "seven"}, "must be a number from 0 to 65535, a range such as 64-127, hostname or ip"),
    (["config"], {"LOG_LEVEL": "wrn"}, "did you mean 'warn'?"),
    (["config"], {"LISTEN_ADDRESS": "::1,"}, "write one, or take the comma away"),
    (["config"], {"LISTEN_ADDRESS": "::1,::1"}, "leave one out"),
    (["config"], {"LISTEN_ADDRESS": "localhost"}, "write the addresses: 127.0.0.1,::1"),
    (["config"], {"TIME_SOURCE": "ntp:"}, "write one, as in ntp:10.0.0.1, or take the comma away"),
    (["config"], {"LOG_FILE": "/" + "x" * 5000}, "shorten it"),
    (["config"], {"PROXY_PROTOCOL": "1"}, "needs TRUSTED_PROXIES"),
    (["config"], {"TOTAL_SHARDS": "2", "SHARD_ID": "3"}, "correct one of the two"),
    (["config"], {"MARK_WINDOW": "20s"}, "correct one of the two"),
    # a service that does not start
    (["serve"], {"LOG_FILE": "/nonexistent/log"}, "must name a file that this user may write"),
    (["serve"], {"STATE_DIRECTORY": "/nonexistent"}, "hint="),
    (["serve"], {"LOCK_DIRECTORY": "/nonexistent/a"}, "must name a folder that this user may write to"),
    (["serve"], {"AUTH_TOKEN_FILE": "/nonexistent"}, "hint="),
    (["serve", "--listen", "192.0.2.1:1", "--ready-fd", "2"], {}, "an open descriptor from 3 on"),
    (["serve", "--listen", "192.0.2.1:1"], {"ALLOW_ROOT": "1"}, "hint="),
]


@pytest.mark.parametrize("args, env, step", WRONG, ids=lambda value: str(value)[:40])
def test_an_error_names_the_next_step(args, env, step):
    done = run_to_end(args, env=env)
    assert done.returncode in (1, 2)
    assert step in done.stderr


@pytest.mark.parametrize("text, step", [
    ("SHARD_ID=1\nSHARD_ID=2\n", "keep one of the two"),
    ("LOG_FILE='/a\n", "put it behind the value"),
    ("SHARD_IDS=1\n", "did you mean 'SHARD_ID'?"),
    ("FROBNICATE=1\n", "'go-id serve --help' lists the settings"),
    ("SHARD_ID 1\n", "expected KEY=value"),
    ("export SHARD_ID=1\n", "write KEY=value without 'export'"),
    ("SHARD_ID=1\r\n", "save the file with LF alone"),
    ("SHARD_ID=1 # one\n", "a comment needs its own line"),
])
def test_an_error_of_the_file_names_the_next_step(text, step):
    done = run_to_end(["config"], config=text)
    assert done.returncode == 2
    assert step in done.stderr


def test_output_without_room_names_the_next_step():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([GO_ID, "version"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "make room there, or write elsewhere" in done.stderr
