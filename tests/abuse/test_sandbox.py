"""What the daemon cannot do any more once it serves, and what it still can."""

import errno
import os
import re
import signal
import subprocess
import tempfile

import pytest

from harness import daemon, wait_until
from http_client import Connection, get

SANDBOX = re.compile("event=sandbox capabilities=none no_new_privs=on landlock=(\\S+) "
                     "landlock_version=(\\d+) seccomp=(\\S+)")

FORBIDDEN = ["execve", "fork", "ptrace", "mount", "listen", "packet socket", "kill", "setuid",
             "chmod", "executable memory", "io_uring", "bpf", "unshare", "keyctl", "memfd", "prctl",
             "limit of another", "new limit", "owner of signals"]


def in_force(server):
    """(landlock, seccomp) as the log tells."""
    landlock, _, seccomp = SANDBOX.search(server.log()).groups()
    return landlock, seccomp


def landlock_version(server):
    return int(SANDBOX.search(server.log()).group(2))


def status_of_threads(pid):
    """The /proc/PID/task/TID/status of every thread, each as a dictionary."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@pytest.fixture(name="both", scope="module")
def fixture_both():
    """Skips where the kernel has not both."""
    with daemon() as server:
        if in_force(server) != ("on", "on"):
            pytest.skip(f"this kernel has not all of it: {in_force(server)}")


@pytest.mark.parametrize("env", [{}, {"TIME_SOURCE": "ntp:127.0.0.1:9"}, {"WORKERS": 8}])
def test_no_thread_has_a_capability_or_can_get_one(env):
    with daemon(env=env) as server:
        threads = list(status_of_threads(server.pid))
        assert len(threads) >= 3
        for thread in threads:
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(thread[name], 16) == 0, thread
            if os.geteuid() == 0:
                assert int(thread["CapBnd"], 16) == 0, thread
            assert thread["NoNewPrivs"] == "1", thread


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen below 1024")
def test_ports_below_1024_are_opened_before_that_right_goes():
    with daemon(env={"TIME_SOURCE": "ntp:127.0.0.1:9"}, listen=["127.0.0.77:81"]) as server:
        assert get(server.address, "/health").body == b"OK"
        for thread in status_of_threads(server.pid):
            assert int(thread["CapPrm"], 16) == 0, thread


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root has no capability to keep")
def test_what_the_kernel_refuses_is_not_claimed():
    refusing = ("strace", "-D", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=capset,prctl",
                "-e", "inject=capset,prctl:error=EPERM")
    probe = subprocess.run([*refusing, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"strace does not work here: {probe.stderr.strip()}")
    with daemon(tracer=refusing) as server:
        line = next(line for line in server.log().splitlines() if "event=sandbox" in line)
        assert "level=warn" in line and "capabilities=kept no_new_privs=off" in line, line
        assert get(server.address, "/generate").status == 200


def test_every_thread_is_under_the_filter(both):
    del both
    with daemon(env={"TIME_SOURCE": "ntp:localhost:9"}) as server:
        for thread in status_of_threads(server.pid):
            assert thread["Seccomp"] == "2", thread


@pytest.mark.parametrize("call", FORBIDDEN)
def test_a_forbidden_call_is_the_end(call, calls, directory, both):
    del both
    with daemon(env=calls.environment) as server:
        assert calls.run(server, call, directory / "calls") is None
        server.expected_exit = -signal.SIGSYS
        assert server.wait() == -signal.SIGSYS


def test_a_call_from_the_future_is_unknown_as_on_an_older_kernel(calls, both):
    del both
    with daemon(env=calls.environment) as server:
        assert calls.run(server, "future") == errno.ENOSYS
        assert get(server.address, "/generate").status == 200


@pytest.mark.parametrize("call, path", [("read", "/etc/passwd"), ("read", "/proc/self/environ"),
                                        ("write", "/tmp/go-id-out-of-reach"), ("read", "/")])
def test_files_out_of_reach_are_refused(call, path, calls, both):
    del both
    with daemon(env=calls.environment) as server:
        assert calls.run(server, call, path) == errno.EACCES
        assert not os.path.exists("/tmp/go-id-out-of-reach")
        assert get(server.address, "/generate").status == 200


def test_its_own_files_are_in_reach(calls, directory, both):
    del both
    with daemon(env={**calls.environment, "LOG_FILE": directory / "log"}) as server:
        for path in (f"{server.directory}/x", directory / "log.1"):
            assert calls.run(server, "write", path) == 0
            assert calls.run(server, "read", path) == 0
            assert calls.run(server, "unlink", path) == 0


def shared_folders(server):
    return re.findall("level=warn event=shared_folder path=(\\S+) hint=", server.log())


@pytest.mark.parametrize("setting", ["LOG_FILE", "AUTH_TOKEN_FILE"])
def test_a_folder_that_belongs_to_many_is_warned_of(setting, directory, both):
    """Landlock opens all of it.  A link to a file there does as well."""
    del both
    link = directory / "link"
    with tempfile.NamedTemporaryFile("w", dir="/tmp") as file:
        file.write("a-token-of-this-test\n")
        file.flush()
        link.symlink_to(file.name)
        for path in (file.name, link):
            with daemon(env={setting: path}) as server:
                assert shared_folders(server) == ["/tmp"]
            with daemon(env={setting: path, "LANDLOCK": 0}) as server:
                assert not shared_folders(server)


def test_what_is_not_wanted_is_off(calls):
    with daemon(env={**calls.environment, "SECCOMP": 0, "LANDLOCK": 0}) as server:
        assert in_force(server) == ("off", "off")
        assert calls.run(server, "read", "/etc/passwd") == 0
        assert calls.run(server, "memfd") == 0


def test_each_works_without_the_other(calls, both):
    del both
    with daemon(env={**calls.environment, "SECCOMP": 0}) as server:
        assert in_force(server) == ("on", "off")
        assert calls.run(server, "execve") == errno.EACCES
        if landlock_version(server) >= 6:
            assert calls.run(server, "kill") == errno.EPERM
    with daemon(env={**calls.environment, "LANDLOCK": 0}) as server:
        assert in_force(server) == ("off", "on")
        assert calls.run(server, "read", "/etc/passwd") == 0


@pytest.mark.parametrize("env", [{}, {"TIME_SOURCE": "monotonic"},
                                 {"TIME_SOURCE": "ntp:127.0.0.1:9,localhost:9"}])
def test_everything_that_can_be_asked_is_answered_within(env, both):
    """Every path, in both methods; the signals; and the end.  A call that was forgotten would show."""
    del both
    paths = ("/generate", "/generate?count=3", "/generate?format=binary", "/decode/7", "/health",
             "/ready", "/info", "/status", "/", "/metrics", "/openapi.yaml", "/nothing-here")
    with daemon(env=env) as server, Connection(server.address) as client:
        for _ in range(2):
            for path in paths:
                for method in ("GET", "HEAD"):
                    status = client.get(path, method=method).status
                    assert status == (404 if path == "/nothing-here" else 200), path
            server.send_signal(signal.SIGHUP)
            server.send_signal(signal.SIGUSR1)
        assert server.stop() == 0


def test_log_tokens_and_sockets_go_on_within(directory, both):
    """Renamed and made again, exchanged, removed: what the daemon does with its files."""
    del both
    log, tokens, path = directory / "log", directory / "tokens", directory / "socket"
    tokens.write_text("a-token-of-this-test\n", encoding="utf-8")
    tokens.chmod(0o600)
    env = {"LOG_FILE": log, "AUTH_TOKEN_FILE": tokens, "LOG_FILE_MAX": "64K", "LOG_LEVEL": "debug"}
    with daemon(env=env, listen=["127.0.0.1:0", f"unix:{path}"]) as server:
        assert not shared_folders(server)
        bearer = "Authorization: Bearer a-token-of-this-test"
        for _ in range(3):
            log.rename(directory / "log.old")
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: log.exists() and "tokens_loaded" in log.read_text(encoding="utf-8"),
                       "a new log, and the tokens read again")
            assert get(server.address, "/generate", bearer).status == 200
        wait_until(lambda: get(server.address, "/info", bearer).status == 200
                   and (directory / "log.1").exists(), "the log to be full, and begun anew")
        assert get(str(path), "/generate", bearer).status == 200
    assert not path.exists()


