"""What is loaded into the daemon to set its clocks and to break its disk; see the .c files."""

import contextlib
import errno
import os
import struct
import time

import harness

SHIMS = os.path.join(os.path.dirname(harness.GO_ID), "tests", "faults")
CLOCK_SHIM = os.path.join(SHIMS, "clock_shim.so")
DISK_SHIM = os.path.join(SHIMS, "disk_shim.so")

MILLION = 1_000_000
NS_PER_S = 1_000_000_000


def environment(*shims):
    """The variables that load shims into a daemon.

    The clock's works within the daemon's sandbox.  The disk's makes system calls of its own, for
    which the filter would end the daemon: with it there is none, but files stay out of reach.
    """
    variables = {"LD_PRELOAD": ":".join(shim.library for shim in shims)}
    if any(shim.library == DISK_SHIM for shim in shims):
        variables["SECCOMP"] = 0
    for shim in shims:
        variables[shim.variable] = shim.path
    return variables


class Line:
    """A clock as a line over CLOCK_MONOTONIC."""

    def __init__(self, base_ns, at_ns, rate_ppm=MILLION):
        self.at_ns = at_ns
        self.base_ns = base_ns
        self.rate_ppm = rate_ppm

    def value_ns(self, at_ns):
        return self.base_ns + (at_ns - self.at_ns) * self.rate_ppm // MILLION

    def moved(self, at_ns, by_ns=0, rate_ppm=None):
        """Another line, from at_ns on."""
        return Line(self.value_ns(at_ns) + by_ns, at_ns,
                    self.rate_ppm if rate_ppm is None else rate_ppm)

    def packed(self):
        return struct.pack("=qqq", self.at_ns, self.base_ns, self.rate_ppm)


class Clock:
    """The wall clock and the time since boot of every daemon that is started with it.

    It outlives daemons, as the machine's clocks do.
    """

    library = CLOCK_SHIM
    variable = "GO_ID_TEST_CLOCK"
    SLOT = 64
    SLOTS = 256

    def __init__(self, path):
        self.path = str(path)
        self.changes = 0
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, self.SLOT * self.SLOTS)
        self._synchronised = True
        now_ns = time.monotonic_ns()
        self._wall = Line(time.time_ns(), now_ns)
        self._boot = Line(time.clock_gettime_ns(time.CLOCK_BOOTTIME), now_ns)
        self._publish()

    def close(self):
        os.close(self._file)

    def wall_ns(self):
        return self._wall.value_ns(time.monotonic_ns())

    def boot_ns(self):
        return self._boot.value_ns(time.monotonic_ns())

    def step(self, seconds):
        """Somebody sets the wall clock."""
        self._change(wall={"by_ns": round(seconds * NS_PER_S)})

    def suspend(self, seconds):
        """The machine sleeps: both clocks go on meanwhile."""
        by_ns = round(seconds * NS_PER_S)
        self._change(wall={"by_ns": by_ns}, boot={"by_ns": by_ns})

    def slew(self, ppm):
        """The wall clock runs fast or slow by so much."""
        self._change(wall={"rate_ppm": MILLION + ppm})

    def freeze(self):
        self._change(wall={"rate_ppm": 0})

    def thaw(self):
        self._change(wall={"rate_ppm": MILLION})

    def set_synchronised(self, synchronised):
        """What adjtimex() says."""
        self._synchronised = synchronised
        self._publish()

    def _change(self, wall=None, boot=None):
        now_ns = time.monotonic_ns()
        if wall:
            self._wall = self._wall.moved(now_ns, **wall)
        if boot:
            self._boot = self._boot.moved(now_ns, **boot)
        self._publish()

    def _publish(self):
        """Fills the next slot; then one byte, which changes at once, puts it in force."""
        number = self.changes % (self.SLOTS - 1) + 1
        self.changes += 1
        slot = (self._wall.packed() + self._boot.packed() +
                struct.pack("=qq", self._synchronised, 0))
        os.pwrite(self._file, slot, number * self.SLOT)
        os.pwrite(self._file, bytes([number]), 0)


class Disk:
    """The disk under go-id.state, as every daemon sees it that is started with it."""

    library = DISK_SHIM
    variable = "GO_ID_TEST_DISK"
    STEPS = ("write", "sync", "rename", "sync_folder")
    FAULT = struct.Struct("=iIQ")

    def __init__(self, path):
        self.path = str(path)
        with open(self.path, "wb") as file:
            file.write(bytes(self.FAULT.size * len(self.STEPS)))

    @contextlib.contextmanager
    def failing(self, step, number=errno.EIO):
        """While this lasts, the step fails."""
        self._set(step, 0, struct.pack("=i", number))
        try:
            yield
        finally:
            self._set(step, 0, struct.pack("=i", 0))

    @contextlib.contextmanager
    def stalling(self, step, delay_ms):
        """While this lasts, the step takes that long."""
        self._set(step, 4, struct.pack("=I", delay_ms))
        try:
            yield
        finally:
            self._set(step, 4, struct.pack("=I", 0))

    def faults(self):
        """How often a step failed or was delayed."""
        with open(self.path, "rb") as file:
            return sum(count for _, _, count in self.FAULT.iter_unpack(file.read()))

    def _set(self, step, offset, value):
        fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(fd, value, self.STEPS.index(step) * self.FAULT.size + offset)
        finally:
            os.close(fd)
