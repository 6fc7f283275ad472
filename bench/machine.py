"""What a process costs: CPU time and memory, from /proc; and the machine it ran on."""

import contextlib
import os
import pathlib
import platform
import re
import subprocess
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2  # of Linux's clock ids: the time that all threads of a process have run

SERVER_CPU = 0
LOAD_CPU = min(1, os.cpu_count() - 1)


@contextlib.contextmanager
def children_on(cpu):
    """What is started meanwhile runs on one CPU, as does all that it starts.

    Not with subprocess's preexec_fn: with that the child is a copy of this process first, and the
    copying would count as the time that a server takes to start.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(pid):
    """A process and what it has started, as far as it is still there."""
    pids = [pid]
    for one in pids:
        try:
            children = pathlib.Path(f"/proc/{one}/task/{one}/children").read_text()
        except OSError:
            continue
        pids += [int(child) for child in children.split()]
    return pids


def commit(folder):
    """What git calls the state of a tree."""
    return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=folder,
                          capture_output=True, text=True, check=False).stdout.strip()


def cpu_seconds(pid):
    """User and system time of a process, its children, and those it has waited for.

    To the nanosecond, by each process's own clock (clock_getcpuclockid(3)); /proc has it in ticks
    of 10 ms.  Only the children that it has waited for, which PostgreSQL alone has, are in ticks.
    """
    total = 0
    for one in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += time.clock_gettime_ns((~one << 3) | CPUCLOCK_SCHED) / 1e9
        except OSError:
            continue  # it has ended; its parent's sums have it
        total += sum(int(field) for field in fields[13:15]) / TICKS_PER_S  # cutime, cstime
    return total


def resident_kb(pid):
    """Resident memory of a process; of one with children, that of all, shared pages counted once."""
    pids = tree(pid)
    if len(pids) == 1:
        return kb_in(f"/proc/{pid}/status", "VmRSS")
    total = 0
    for one in pids:
        with contextlib.suppress(OSError):  # it has ended
            total += kb_in(f"/proc/{one}/smaps_rollup", "Pss")
    return total


def kb_in(path, name):
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(path).read_text(), re.M).group(1))


def version_of(*command):
    """The first line that has a number in it of what a program says about itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return next((line.strip() for line in lines if re.search(r"\d\.\d", line)), "unknown")


def describe():
    """The machine, for whoever compares figures."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mb": int(memory.group(1)) // 1024,
        "kernel": platform.release(),
    }


class Others:
    """What everybody else has used of the machine's CPUs since this was made."""

    def __init__(self):
        self._begin = self._seconds()

    @staticmethod
    def _seconds():
        """CPU time: all that there was, what was used, what this program and its children used."""
        line = pathlib.Path("/proc/stat").read_text().splitlines()[0]
        ticks = [int(field) for field in line.split()[1:9]]  # the rest is in these already
        idle = ticks[3] + ticks[4]
        own = sum(os.times()[:4])  # of children, those that have ended and been waited for
        return sum(ticks) / TICKS_PER_S, (sum(ticks) - idle) / TICKS_PER_S, own

    def share(self):
        there, used, own = (now - then for now, then in zip(self._seconds(), self._begin))
        return max(0.0, (used - own) / there)
