"""A well-behaved client, in a process of its own: one connection, one id after the other.

    good_client.py HOST PORT FILE

FILE is 16 bytes, mapped by both sides: how many ids there have been, and whether to stop.  At the
end it prints a line of JSON; the first error ends it.
"""

import json
import mmap
import struct
import sys
import time

import ids
from http_client import Connection


def ask_on(address, shared):
    """Asks until it is told to stop; returns the latencies in seconds."""
    latencies = []
    last = 0
    with Connection(address) as connection:
        while shared[8] == 0:
            start = time.perf_counter()
            response = connection.get("/generate")
            latencies.append(time.perf_counter() - start)
            assert response.status == 200, response
            value = response.json()["id"]
            assert value > last, f"{value} after {last}"
            assert ids.machine_id_of(value) >= 0
            last = value
            shared[0:8] = struct.pack("=Q", len(latencies))
            time.sleep(0.001)  # one of many, not a load of its own
    return latencies


def main():
    host, port, path = sys.argv[1:]
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 16) as shared:
        latencies = sorted(ask_on((host, int(port)), shared))
    print(json.dumps({"ids": len(latencies),
                      "p99_ms": 1000 * latencies[len(latencies) * 99 // 100],
                      "max_ms": 1000 * latencies[-1]}))


if __name__ == "__main__":
    main()
