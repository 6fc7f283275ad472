"""What a run of LXD can leave on a host, and what of it was there before.

host_state.py record FILE                the state of now
host_state.py remove_empty_cgroups FILE  cgroups of containers that have ended; LXD keeps some
host_state.py clear_stale FOLDER         what a run that was killed has left: named, and removed
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

CGROUPS = pathlib.Path("/sys/fs/cgroup")
OURS = re.compile(r"/lxc\.(pivot|(payload|monitor)\.go-id-[^/]*)$")
WORK = os.environ.get("GO_ID_E2E", "/var/tmp/go-id-e2e")


def _lines(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    return result.stdout.splitlines()


def _mounts():
    return [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
            if WORK in line]


def _loop_devices():
    return [line for line in _lines("losetup", "--noheadings", "--output", "NAME,BACK-FILE")
            if WORK in line]


def _bridges():
    return [line.split(":")[1].strip() for line in _lines("ip", "-o", "link", "show", "type", "bridge")]


def _nft_tables():
    return _lines("nft", "list", "tables")


def _cgroups():
    return [str(path) for path in sorted(CGROUPS.rglob("lxc.*")) if path.is_dir()]


def _in_use(item):
    """A cgroup with processes is somebody else's: those of the run have all ended."""
    return any(_read(path) for path in pathlib.Path(item).rglob("cgroup.procs"))


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""  # it is gone


def _processes():
    """Those of the run: what they were started with names its folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue  # it has ended
        if f"LXD_DIR={WORK}".encode() in words or f"{WORK}/lxd".encode() in words:
            found.append(f"{path.name} {(path / 'comm').read_text().strip()}")
    return found


KINDS = {"mounts": _mounts, "loop devices": _loop_devices, "bridges": _bridges,
         "nft tables": _nft_tables, "cgroups": _cgroups, "processes": _processes}


def record(file):
    pathlib.Path(file).write_text(json.dumps({kind: read() for kind, read in KINDS.items()}))


def added(file, kind):
    """What there is now and was not then."""
    before = json.loads(pathlib.Path(file).read_text())[kind]
    return [item for item in KINDS[kind]()
            if item not in before and not (kind == "cgroups" and _in_use(item))]


def remove_empty_cgroups(file):
    for path in reversed(added(file, "cgroups")):  # what is inside comes first
        if not OURS.search(path):
            continue
        for folder in sorted(pathlib.Path(path).rglob("*/"), reverse=True):
            _remove(folder)
        _remove(path)


def _remove(cgroup):
    try:
        os.rmdir(cgroup)
    except OSError:
        pass  # in use: then it counts as left behind


def clear_stale(folder):
    """The kernel ends what runs in the namespaces; a run that is killed leaves files and cgroups."""
    assert folder == WORK
    if not os.path.exists(folder):
        return
    print(f"e2e: a run before this one was killed; removing what it left: {folder}")
    for kind in ("processes", "mounts", "loop devices"):
        left = KINDS[kind]()
        if left:
            sys.exit(f"e2e: and it has {kind} that I leave to you: {left}")
    before = os.path.join(folder, "before.json")
    if os.path.exists(before):
        for path in added(before, "cgroups"):
            print(f"e2e: ... {path}")
        remove_empty_cgroups(before)
    shutil.rmtree(folder)


if __name__ == "__main__":
    {"record": record, "remove_empty_cgroups": remove_empty_cgroups,
     "clear_stale": clear_stale}[sys.argv[1]](sys.argv[2])
