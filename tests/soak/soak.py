"""A daemon under load for a long time, while everything happens that can happen to it.

    soak.py MINUTES          (GO_ID names the binary)

Lives of ten seconds to a minute and a half, on one state directory, each ended by a kill -9 or a
stop; the last third of the time is one life, for the slope of the memory.  Meanwhile the clock is
set, connections come, are reset or only half used, the log is rotated, and SIGHUPs arrive.  Ends
with figures and a verdict; exit status 1 when that is bad.
"""

import contextlib
import os
import pathlib
import random
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "service"), str(HERE.parent / "faults")]

import harness  # noqa: E402 (its folder is known from here on)
from http_client import Connection, request  # noqa: E402
from journal import TARGETS, Journal, load  # noqa: E402
from service import ready, service  # noqa: E402
from shims import Clock  # noqa: E402

LEAD_MAX_MS = 4000  # the clock is set back below this only: ids stay within MAX_CLOCK_LEAD
SLOPE_MAX_KIB = 64  # of resident memory, a minute
SLOPE_LIFE_S = 300  # it decides for a life as long as this: a few pages make a slope of a short one
SETTLE_S = 10  # how long clients ask before what they got is checked
WARM_UP_S = 5  # of a life: until then pages are touched for the first time
RESET = struct.pack("=ii", 1, 0)  # SO_LINGER: close() resets


class Soak:
    def __init__(self, directory, minutes):
        self.directory = directory
        self.end = time.monotonic() + 60 * minutes
        self.last_life = 20 * minutes  # seconds
        self.state = directory / "state"
        self.state.mkdir()
        self.log = directory / "log"
        self.clock = Clock(directory / "clock")
        self.journal = Journal("soak")
        self.chance = random.Random(1)
        self.counts = dict.fromkeys(("lives", "kill -9", "clock steps", "connections",
                                     "log rotations", "SIGHUPs"), 0)
        self.slope = 0.0  # KiB a minute, of the last life
        self.slope_decides = False
        self.resident_kib = []

    def left(self):
        return self.end - time.monotonic()

    # ---- What happens ----

    def step_clock(self, server):
        lead_ms = ready(server)["lead"]["lead_ms"]
        if lead_ms < LEAD_MAX_MS:
            self.clock.step(-self.chance.uniform(0, (LEAD_MAX_MS - lead_ms) / 1000))
        else:
            self.clock.step(lead_ms / 1000)
        self.counts["clock steps"] += 1

    def churn(self, server):
        """Connections that are used, half used, unused, and reset."""
        with contextlib.ExitStack() as stack:
            for i in range(40):
                client = stack.enter_context(Connection(server.address))
                if i % 4 == 1:
                    client.send(b"GET /gen")
                elif i % 4 == 2:
                    client.send(request("/generate?count=1000"))
                elif i % 4 == 3:
                    assert client.get("/health").status == 200
                if i % 2 == 1:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.counts["connections"] += 40

    def rotate(self, server):
        with contextlib.suppress(FileNotFoundError):
            self.log.rename(self.directory / "log.old")
        server.send_signal(signal.SIGHUP)
        self.counts["log rotations"] += 1

    def hang_up(self, server):
        for _ in range(20):
            server.send_signal(signal.SIGHUP)
        self.counts["SIGHUPs"] += 20

    # ---- Lives ----

    def under_load(self, server, seconds, samples, last):
        """Clients ask for so long; then what they got is checked.  The last ones see the kill."""
        until = time.monotonic() + seconds
        targets = (*TARGETS, "/generate?count=400&format=binary")
        with load(self.journal, server.address, clients=4, targets=targets) as clients:
            while time.monotonic() < until:
                clients.await_answers(20)
                self.chance.choice((self.step_clock, self.churn, self.rotate, self.hang_up))(server)
                samples.append((time.monotonic(), server.resident_kib()))
            if last == "kill":
                clients.expect_end()
                server.kill()

    def live(self, seconds, ends_with):
        env = {"LOG_FILE": self.log, "LOG_FILE_MAX": "256K", "LOG_LEVEL": "debug"}
        samples = []
        begin = time.monotonic()
        with service(self.clock, state=self.state, **env) as server:
            before = server.descriptors()
            until = begin + seconds
            while (rest := until - time.monotonic()) > 0:
                last = ends_with if rest <= SETTLE_S else None
                self.under_load(server, min(rest, SETTLE_S), samples, last)
                if last != "kill":
                    harness.wait_until(lambda: server.descriptors() <= before,
                                       "descriptors as at the start")
        self.counts["lives"] += 1
        self.counts["kill -9"] += ends_with == "kill"
        self.resident_kib.append(samples[-1][1])
        late = [(at, kib) for at, kib in samples if at - begin > WARM_UP_S]
        if len(late) > 10:
            self.slope = 60 * statistics.linear_regression(*zip(*late)).slope
        self.slope_decides = seconds >= SLOPE_LIFE_S
        print(f"life {self.counts['lives']}: {time.monotonic() - begin:.0f} s, then a {ends_with}; "
              f"{self.journal.ids:,} ids so far, {samples[-1][1]:,} KiB, {max(self.left(), 0):.0f} s "
              "to go", flush=True)

    def run(self):
        while self.left() > self.last_life:
            longest = min(90, self.left() - self.last_life + 1)
            self.live(self.chance.uniform(min(10, longest), longest),
                      self.chance.choice(("kill", "kill", "kill", "stop")))
        self.live(max(self.left(), 10), "stop")

    # ---- Verdict ----

    def verdict(self, minutes, took_s):
        journal = self.journal
        figures = {
            "asked for, minutes": minutes, "took, seconds": round(took_s), **self.counts,
            "ids": journal.ids, "ids twice": journal.duplicates,
            "out of order": journal.order_violations, "refused (503)": len(journal.refusals),
            "requests cut by a kill": journal.losses,
            "resident at the end of a life, KiB, largest": max(self.resident_kib),
            "memory slope of the last life, KiB a minute": round(self.slope, 1),
        }
        width = max(map(len, figures))
        for name, value in figures.items():
            print(f"| {name:<{width}} | {value:>12,} |")
        good = (journal.duplicates == 0 and journal.order_violations == 0 and not journal.refusals
                and (self.slope <= SLOPE_MAX_KIB or not self.slope_decides))
        print("verdict: " + ("good" if good else "BAD"))
        return good


def main():
    minutes = int(sys.argv[1])
    if not os.access(harness.GO_ID, os.X_OK):
        sys.exit("GO_ID must name the daemon: GO_ID=out/test/go-id python3 tests/soak/soak.py 30")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="go-id-soak-") as path:
        soak = Soak(pathlib.Path(path), minutes)
        try:
            soak.run()
        finally:
            soak.clock.close()
        sys.exit(0 if soak.verdict(minutes, time.monotonic() - begin) else 1)


if __name__ == "__main__":
    main()
