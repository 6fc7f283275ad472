"""Real NTP servers on loopback: chronyd, which serves time here and never sets any.

A server is run as `chronyd -x` (it has no control of the system's clock), with `local` (it claims
to know the time), on its own address, port, folder and command socket, so that neither another
test nor the host's own chronyd can meet it.

How one is made to lie: with `manual`, chronyd takes the time from `chronyc settime`.  With -x it
cannot set the clock by that and keeps the difference in its head, and that is what it serves.
No shim and no second chronyd; what it then serves is measured and not assumed, for settime takes
whole seconds.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from harness import DEADLINE_S, PRCTL, PR_SET_PDEATHSIG, wait_until

ADDRESS = "127.0.0.1"
NTP_TO_UNIX_S = 2208988800
PORT_TRIES = 10

CONFIGURATION = """\
port {port}
bindaddress {address}
allow 127.0.0.0/8
local stratum 3
manual
cmdport 0
bindcmdaddress {directory}/command.sock
pidfile {directory}/pid
"""


def _program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
    assert path, f"{name} is missing: install the Debian package chrony"
    return path


def free_port():
    """A UDP port that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


class Server:
    """A running chronyd."""

    def __init__(self, port, directory):
        self.port = port
        self.directory = directory
        with open(os.path.join(directory, "chrony.conf"), "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(port=port, address=ADDRESS, directory=directory))
        with open(os.path.join(directory, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [_program("chronyd"), "-x", "-d", "-U", "-u", pwd.getpwuid(os.geteuid()).pw_name,
                 "-f", file.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))

    @property
    def name(self):
        return f"{ADDRESS}:{self.port}"

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8") as file:
            return file.read()

    def time_ms(self):
        """What it serves, asked by a client of our own; None when it does not answer."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.connect((ADDRESS, self.port))
            cookie = os.urandom(8)
            try:
                client.send(b"\x23" + bytes(39) + cookie)
                answer = client.recv(512)
            except OSError:
                return None
        assert len(answer) == 48 and answer[24:32] == cookie
        seconds, fraction = struct.unpack(">II", answer[40:48])
        return (seconds - NTP_TO_UNIX_S) * 1000 + fraction * 1000 // 2**32

    def shift_ms(self):
        """How far it is ahead of the system's clock."""
        return self.time_ms() - time.time_ns() // 1_000_000

    def set_ahead(self, seconds):
        """Makes it serve a time that is so far, to within a second, ahead of the system's."""
        wanted = time.gmtime(time.time() + seconds)
        done = subprocess.run(
            [_program("chronyc"), "-h", os.path.join(self.directory, "command.sock"),
             time.strftime("settime %b %d, %Y %H:%M:%S", wanted)],
            env={"TZ": "UTC", "LC_ALL": "C"}, capture_output=True, text=True,
            timeout=DEADLINE_S, check=False)
        assert "200 OK" in done.stdout, done.stdout + done.stderr
        assert abs(self.shift_ms() - seconds * 1000) < 5000

    def kill(self):
        self.process.kill()
        self.process.wait()


def _start(directory, port):
    server = Server(port, directory)
    try:
        answers = wait_until(
            lambda: server.time_ms() is not None or server.process.poll() is not None and "ended",
            "chronyd to answer")
    except BaseException:
        server.kill()
        raise
    if answers != "ended":
        return server
    assert "in use" in server.log(), server.log()
    return None  # somebody has taken the port meanwhile


@contextlib.contextmanager
def chronyd(ahead_s=0, port=None):
    """Yields a Server that answers, its time ahead_s ahead of the system's clock."""
    with tempfile.TemporaryDirectory(prefix="go-id-chrony-") as directory:
        for _ in range(PORT_TRIES):
            server = _start(directory, port or free_port())
            if server is not None:
                break
        assert server is not None, "no free port"
        try:
            if ahead_s:
                server.set_ahead(ahead_s)
            yield server
        except BaseException:
            print(f"--- log of chronyd ---\n{server.log()}")  # pytest shows it
            raise
        finally:
            server.kill()
