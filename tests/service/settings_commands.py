"""What the tests of the settings run, and what they expect of every run."""

import shlex
import subprocess

from harness import DEADLINE_S, GO_ID, run_to_end

DEFAULTS = {
    "SHARD_ID": "1", "SHARD_BASE": None, "TOTAL_SHARDS": None, "SERVICE_PORT": "7001", "LISTEN_ADDRESS": "127.0.0.1",
    "UNIX_SOCKET_MODE": None, "UNIX_SOCKET_GROUP": None, "ALLOW_ROOT": "0", "AUTH_TOKEN_FILE": None,
    "START_TIME": "2014-09-01T00:00:00Z", "MIN_ID": None, "INSTANCE_NAME": None,
    "STATE_DIRECTORY": "/var/lib/go-id", "LOCK_DIRECTORY": "/run/lock/go-id", "MARK_WINDOW": "2s",
    "TIME_SOURCE": "system", "REQUIRE_CLOCK_SYNC": "0", "MAX_CLOCK_LEAD": "10s",
    "MAX_CLOCK_LEAP": "1h", "WORKERS": None, "MAX_CONNECTIONS": "10000", "MAX_CONNECTIONS_PER_CLIENT": None,
    "RATE_LIMIT": None, "RATE_LIMIT_BURST": None, "TRUSTED_PROXIES": None, "PROXY_PROTOCOL": "0",
    "MAX_BATCH": "10000",
    "MAX_WAIT_MS": "1000", "HEAD_TIMEOUT_MS": "10000", "IDLE_TIMEOUT_MS": "60000",
    "WRITE_TIMEOUT_MS": "10000", "DRAIN_TIMEOUT_MS": "4000", "LANDLOCK": "1", "SECCOMP": "1",
    "LOG_LEVEL": "info", "LOG_FILE": None,
    "LOG_FILE_MAX": "0",
}


def refused(done):
    """The messages of a daemon that would not start."""
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()


def serve(*args, env=None, config=None):
    return run_to_end(["serve", "--listen", "127.0.0.1:0", *args], env=env, config=config)


def effective(text, env=None):
    """The values that `go-id config` prints for a file, and the whole text."""
    env = {"PATH": "/usr/bin:/bin", **(env or {})}
    done = subprocess.run([GO_ID, "config", "--config", "/dev/stdin"], input=text, text=True,
                          env=env, capture_output=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    values = dict.fromkeys(DEFAULTS)
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            name, _, value = line.partition("=")
            values[name] = "".join(shlex.split(value))
    return values, done.stdout
