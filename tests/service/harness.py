"""Starts the real daemon, on ports of the kernel's choice, and watches how it ends.

The daemon's side of the bargain: `--listen 127.0.0.1:0` and `--ready-fd N`, on which it writes
"host port" per listener once it accepts.  Nothing here waits for luck: what has to become true is
waited for until a deadline, and the deadline only decides how long a failure takes.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import tempfile
import time

GO_ID = os.path.abspath(os.environ.get("GO_ID", "/nonexistent"))  # conftest.py checks it
SLOW = os.environ.get("GO_ID_SLOW") == "1"  # a sanitizer build: do less, wait longer

# For whatever must happen, and usually does at once: how long a failure takes, on a busy machine too.
DEADLINE_S = int(os.environ.get("GO_ID_DEADLINE_S", 180 if SLOW else 60))
STOP_S = 60 if SLOW else 30  # to end: DRAIN_TIMEOUT_MS, and room for a busy machine

# A shell that starts the tests in the background has them ignore these, and so would all they start.
for _number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

PRCTL = ctypes.CDLL(None, use_errno=True).prctl
PR_SET_PDEATHSIG = 1

REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
           "runtime error:", "BUG ", "event=bug")


def scaled(count):
    """What to ask of the daemon: less of it when every instruction is checked."""
    return max(1, count // 5) if SLOW else count


class Daemon:
    """A running `go-id serve`."""

    def __init__(self, process, addresses, directory, ready_after_s):
        self.process = process
        self.pid = process.pid
        self.addresses = addresses
        self.directory = directory  # of this daemon alone; removed afterwards
        self.log_path = os.path.join(directory, "stderr")
        self.ready_after_s = ready_after_s  # from before fork to ready
        self.expected_exit = 0

    @property
    def address(self):
        return self.addresses[0]

    def log(self):
        return _read_text(self.log_path)

    def send_signal(self, number):
        assert self.process.poll() is None, "the daemon has ended already"
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Asks it to end and returns the exit code."""
        self.send_signal(number)
        return self.wait()

    def wait(self):
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {STOP_S} s") from None

    def kill(self):
        """Ends it as a crash would."""
        self.expected_exit = -signal.SIGKILL
        self.stop(signal.SIGKILL)

    def check_end(self):
        if self.process.returncode is None:
            assert self.process.poll() is None, f"it ended by itself: {self.process.returncode}"
            self.process.terminate()
        assert self.wait() == self.expected_exit
        for report in REPORTS:
            assert report not in self.log(), f"{report!r} on stderr"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_kib(self):
        for line in _read_text(f"/proc/{self.pid}/status").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS line")

    def cpu_share_over(self, seconds):
        """The share of one CPU used while nothing but time passes."""
        before_s, start = self._cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (self._cpu_s() - before_s) / (time.monotonic() - start)

    def _cpu_s(self):
        fields = _read_text(f"/proc/{self.pid}/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime


@contextlib.contextmanager
def daemon(env=None, config=None, args=(), listen=("127.0.0.1:0",), limits=None, tracer=()):
    """Yields a fresh Daemon; leaving checks that it lived and ended well.

    config becomes a --config FILE, limits are {resource.RLIMIT_...: number}, tracer is a command
    to put in front.  A daemon that the test stopped by itself is not stopped again.
    """
    with tempfile.TemporaryDirectory(prefix="go-id-") as directory:
        process, ready, start = _spawn(directory, env, config, args, listen, limits, tracer)
        log_path = os.path.join(directory, "stderr")
        try:
            addresses = _addresses(ready, len(listen))
            running = Daemon(process, addresses, directory, time.monotonic() - start)
            yield running
            running.check_end()
        except BaseException:
            print(f"--- stderr of the daemon ---\n{_read_text(log_path)}")  # pytest shows it
            raise
        finally:
            os.close(ready)
            process.kill()  # does nothing once it has been waited for
            process.wait()


def run_to_end(args, env=None, config=None):
    """Runs `go-id ARGS` that is expected to end by itself; returns the CompletedProcess."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as directory:
        return subprocess.run([GO_ID, *args, *_config_args(directory, config)],
                              env=_environment(directory, env), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace",
                              timeout=DEADLINE_S, check=False)


def wait_until(condition, what, deadline_s=None):
    """Returns the first true value of condition(); fails, saying what, when there is none in DEADLINE_S."""
    deadline_s = deadline_s or DEADLINE_S
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline_s} s for: {what}"
        time.sleep(0.005)


def _spawn(directory, env, config, args, listen, limits, tracer):
    def prepare_child():
        # A test run that is killed takes its daemons with it.
        PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)
        for name, value in (limits or {}).items():
            resource.setrlimit(name, (value, value))

    ready, write_end = os.pipe()
    command = [*tracer, GO_ID, "serve", *_config_args(directory, config),
               "--listen", ",".join(listen), "--ready-fd", str(write_end), *args]
    try:
        with open(os.path.join(directory, "stderr"), "wb") as log:
            start = time.monotonic()
            process = subprocess.Popen(
                command, env=_environment(directory, env), pass_fds=[write_end], stderr=log,
                stdin=subprocess.DEVNULL, stdout=log, preexec_fn=prepare_child)
    except BaseException:
        os.close(ready)
        raise
    finally:
        os.close(write_end)
    return process, ready, start


def _environment(directory, env):
    """Nothing is inherited: a SHARD_ID in the developer's shell must not decide a test."""
    base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "STATE_DIRECTORY": directory,
            "LOCK_DIRECTORY": directory}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            base[name] = os.environ[name]
    return {**base, **{name: str(value) for name, value in (env or {}).items()}}


def _config_args(directory, config):
    if config is None:
        return []
    path = os.path.join(directory, "go-id.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    return ["--config", path]


def _addresses(ready, count):
    """Reads as many lines from the ready pipe as there are listeners."""
    end = time.monotonic() + DEADLINE_S
    text = b""
    while text.count(b"\n") < count:
        readable, _, _ = select.select([ready], [], [], max(0, end - time.monotonic()))
        piece = os.read(ready, 4096) if readable else b""
        assert piece, f"the daemon did not become ready; it wrote {text!r}"
        text += piece
    return [_address(line) for line in text.decode("ascii").splitlines()]


def _address(line):
    """(host, port), or the path of a Unix socket."""
    host, port = line.split(" ")
    return host.removeprefix("unix:") if host.startswith("unix:") else (host, int(port))


def _read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
