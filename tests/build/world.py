"""A world for build.sh to work in: a copy of the scripts, and stand-ins for all that they call.

Nothing of the machine is used but bash and a few plain tools, so these tests need neither root nor LXD; that the
real LXD takes the same commands is for tests/container to show.  The stand-ins count the calls that change something;
the N-th can be made to fail or to hang.
"""

import fcntl
import os
import pathlib
import pty
import shlex
import shutil
import signal
import subprocess
import termios
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
STAND_INS = PROJECT / "tests/build/stand_ins"
DEADLINE_S = 600  # for what must happen, and does so within seconds on a machine that is not busy

TOOLS = ("bash env sed awk grep cut tail head stat mktemp mkdir rmdir rm mv cp cat date dirname find sort xargs sha256sum "
         "tr setsid timeout flock uname wc chmod touch basename tar ls").split()
PLAYED = {
    "lxc": ("lxc",),
    "make": ("make", "cmake", "btrfs"),
    "mv": ("mv", "cp"),
    "host": ("curl", "ss", "ip", "df", "stat", "grep", "id", "modinfo", "sleep"),
}
PRESENT = ("gcc", "ninja", "mmdebstrap", "xz", "objdump")  # looked for, and never run here

CONF = 'IMAGE_FOLDER="{images}"\n'


def hear_signals():
    """As in a terminal: what a shell starts in the background, as these tests may be, is deaf to SIGINT."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def own_terminal():
    hear_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class World:
    """The project's copy is in project/, the tools are in bin/, what the stand-ins play in played/."""

    def __init__(self, folder):
        self.folder = folder
        self.project = folder / "project"
        self.bin = folder / "bin"
        self.played = folder / "played"
        self.images = folder / "images-of-the-build"
        self.conf = folder / "some.conf"
        self._copy_project()
        self._make_tools()
        for name in ("instances", "pools", "images", "networks/lxdbr0"):
            (self.played / name).mkdir(parents=True)
        for name, text in {"image": "1", "free_kib": str(50 << 20), "uid": "0", "file_system": "btrfs",
                           "calls": ""}.items():
            self.play(name, text)
        self.configure()

    def _copy_project(self):
        shutil.copytree(PROJECT / "build", self.project / "build")
        for name in ("startDefault.sh", "CMakeLists.txt"):
            shutil.copy(PROJECT / name, self.project / name)
        for folder in ("container", "scripts", "server"):
            (self.project / folder).mkdir()
        (self.project / "server/main.c").write_text("int main(void) { return 0; }\n")
        for name in ("rootfs.sh", "image.sh"):
            shutil.copy(STAND_INS / "make", self.project / "container" / name)
        (self.project / "scripts/install_packages.sh").symlink_to(STAND_INS / "make")

    def _make_tools(self):
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin:/usr/sbin:/sbin"))
        for stand_in, names in PLAYED.items():
            for name in names:
                (self.bin / name).unlink(missing_ok=True)
                (self.bin / name).symlink_to(STAND_INS / stand_in)
        for name in PRESENT:
            (self.bin / name).symlink_to("/bin/true")

    # ---- what it looks like -------------------------------------------------------------------

    def play(self, name, text):
        (self.played / name).write_text(text + "\n" if text else "")

    def become(self, other):
        """The same has happened here as there."""
        for name in ("played", self.images.name, "project/out"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(other.folder / name, self.folder / name)

    def lack(self, *tools):
        for tool in tools:
            (self.bin / tool).unlink()

    def configure(self, text=""):
        self.conf.write_text(CONF.format(images=self.images) + text)

    def trouble(self, number, mode):
        """Lets the number-th changing call from now on fail, break or hang."""
        for name in ("hanging", "release"):
            (self.played / name).unlink(missing_ok=True)
        self.play("calls", "")
        self.play("trouble", f"{number} {mode}")

    def calm(self):
        (self.played / "trouble").unlink(missing_ok=True)
        self.play("calls", "")

    def calls(self):
        return (self.played / "calls").read_text().splitlines()

    def contents(self):
        """All that a build could leave behind or spoil: what LXD holds, the images, the work folder."""
        found = {}
        for top in (self.played / "instances", self.played / "pools", self.played / "images",
                    self.played / "networks", self.images, self.project / "out/container/parts"):
            for path in sorted(top.rglob("*")):
                name = str(path.relative_to(self.folder))
                found[name] = path.read_bytes() if path.is_file() else None
        return found

    def instance(self, name, key=None):
        folder = self.played / "instances" / name
        if key is None:
            return folder.exists()
        path = folder / key
        return path.read_text().rstrip("\n") if path.exists() else ""

    def instances(self):
        return sorted(path.name for path in (self.played / "instances").iterdir())

    # ---- running ------------------------------------------------------------------------------

    def shown(self, said):
        """The calls to lxc that a dry run shows, as calls() has them."""
        commands = [line.split("+ ", 1)[1] for line in said.splitlines() if line.startswith(" " * 9 + "+ lxc ")]
        return [" ".join(shlex.split(command)) for command in commands]

    def _environment(self):
        return {"PATH": str(self.bin), "STAND_IN": str(self.played), "STAND_INS": str(STAND_INS),
                "LXD_DIR": str(self.folder), "TMPDIR": str(self.folder), "SHARD_ID": "not from here"}

    def start(self, *arguments, script=None):
        script = script or self.project / "build/build.sh"
        return subprocess.Popen([str(script), *map(str, arguments)], env=self._environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, preexec_fn=hear_signals)

    def start_in_terminal(self, *arguments):
        """Runs build.sh as the first process of a terminal; returns it and a file: who closes that, closes the terminal."""
        ours, its = pty.openpty()
        with os.fdopen(its, "rb") as terminal:
            process = subprocess.Popen([str(self.project / "build/build.sh"), *map(str, arguments)],
                                       env=self._environment(), stdin=terminal, stdout=terminal, stderr=terminal,
                                       start_new_session=True, preexec_fn=own_terminal)
        return process, os.fdopen(ours, "rb")

    def run(self, *arguments, script=None):
        """Runs build.sh, or another script, and returns (exit status, all it said)."""
        process = self.start(*arguments, script=script)
        said, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, said

    def build(self, *arguments):
        return self.run(self.conf, *arguments)

    def wait_for_hang(self, process):
        deadline = time.monotonic() + DEADLINE_S
        while not (self.played / "hanging").exists():
            assert process.poll() is None, f"it ended early: {process.communicate()[0]}"
            assert time.monotonic() < deadline, "it never got there"
            time.sleep(0.01)

    def interrupt(self, process, number=signal.SIGINT):
        """Sends the signal while a call hangs, lets that call finish, and returns as run() does."""
        self.wait_for_hang(process)
        process.send_signal(number)
        (self.played / "release").touch()
        said, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, said

    def leave(self, process, reader):
        """Closes what is read of it while a call hangs, lets that call finish, and returns the exit status."""
        self.wait_for_hang(process)
        reader.close()
        (self.played / "release").touch()
        return process.wait(timeout=DEADLINE_S)
