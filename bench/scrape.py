"""What a scrape of /metrics costs: round trips, against those of /health, on one connection.

    make && python3 bench/scrape.py [SHARD_ID [WORKERS]]

No test: it measures, and prints the machine's word.  The difference is what it takes to make, to
copy and to receive the answer; a scrape has to stay under 1 ms.
"""

import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]
os.environ.setdefault("GO_ID", str(ROOT / "out" / "release" / "go-id"))
sys.path.insert(0, str(ROOT / "tests" / "service"))

from harness import daemon  # noqa: E402 (its folder is known from here on)
from http_client import Connection  # noqa: E402

ROUNDS = 5000


def round_trip_us(connection, target):
    start = time.perf_counter()
    response = connection.get(target)
    elapsed = time.perf_counter() - start
    assert response.status == 200
    return elapsed * 1e6, len(response.body)


def main():
    shards, workers = (sys.argv[1:] + ["7", "2"][len(sys.argv) - 1:])[:2]
    times = {"/health": [], "/metrics": []}
    with daemon(env={"SHARD_ID": shards, "WORKERS": workers}) as server, \
         Connection(server.address) as connection:
        for _ in range(ROUNDS):
            for target, values in times.items():
                elapsed_us, size = round_trip_us(connection, target)
                values.append(elapsed_us)
    print(f"SHARD_ID={shards} WORKERS={workers}: {size} bytes")
    for target, values in times.items():
        print(f"{target}: median {statistics.median(values):.0f} us, "
              f"99 of 100 below {statistics.quantiles(values, n=100)[98]:.0f} us")


main()
