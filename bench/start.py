#!/usr/bin/python3
"""From exec to the first id in a client's hands, in milliseconds.

    start.py BINARY [TIMES]

The state is in a folder below out/, so on the disk that this tree is on: the first mark is written and
synced before an id is given out, and that is the larger part of it on most disks.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import servers

OUT = servers.ROOT / "out"


def start(binary):
    """Starts it once; returns how long the first id took, in ms."""
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        ready, write_end = os.pipe()
        begin = time.monotonic()
        with subprocess.Popen(
                [binary, "serve", "--listen", f"unix:{folder}/socket", "--ready-fd", str(write_end)],
                env={"STATE_DIRECTORY": folder, "LOCK_DIRECTORY": folder}, pass_fds=[write_end],
                stderr=subprocess.DEVNULL) as process, \
                socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            os.close(write_end)
            is_ready = os.read(ready, 1) != b""
            os.close(ready)
            if not is_ready:
                raise RuntimeError(f"{binary} did not start")
            client.connect(f"{folder}/socket")
            client.sendall(servers.REQUEST)
            servers.expect_answer(client)
            took = time.monotonic() - begin
            process.terminate()
    return took * 1e3


def main():
    binary, times = sys.argv[1], int((sys.argv[2:] or ["21"])[0])
    found = sorted(start(binary) for _ in range(times))
    print(f"{binary}: exec to first id: median {statistics.median(found):.1f} ms, "
          f"best {found[0]:.1f} ms, worst {found[-1]:.1f} ms of {times}")


if __name__ == "__main__":
    main()
