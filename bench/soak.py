"""The same load for ten minutes: does an id get dearer, does memory grow?

    make bench-soak, or python3 bench/soak.py [MINUTES]

Every other two seconds the bare loop has the load: a virtual machine has dearer times and cheaper
ones, for both, and what tells is what an id costs beside it.

Writes soak.json to out/bench/results, for docs/performance.md.  Ends with 1 when a target of a soak
(targets.py) is missed by more than 10 %, or when an id came twice.
"""

import json
import statistics
import sys
import time

import loads
import machine
import report
import servers
import targets

MINUTES = 10
CONNECTIONS = 64

# A minute is so many pairs of loads, on go-id and on the bare loop, as long as each other: a machine
# that slows down what has run for long would do so to the longer one.
PAIRS = 13
LOAD_S = 2


def median(results, name):
    return statistics.median(result[name] for result in results)


def one_minute(server, bare_loop):
    """A row of soak.json."""
    ours, bare = [], []
    for _ in range(PAIRS):
        ours.append(loads.checked(server, CONNECTIONS, 1, LOAD_S, "text"))
        bare.append(loads.checked(bare_loop, CONNECTIONS, 1, LOAD_S))
    row = {"rate": median(ours, "rate"), "cpu_us": median(ours, "cpu_us"),
           "bare_loop_cpu_us": median(bare, "cpu_us"),
           "cpu_over_bare_loop": statistics.median(
               our["cpu_us"] / floor["cpu_us"] for our, floor in zip(ours, bare)),
           "worst_p99_us": max(result["p99_us"] for result in ours),
           "resident_kb": machine.resident_kb(server.pid)}
    for name in ("ids_checked", *targets.PROMISES):
        row[name] = sum(result[name] for result in ours)
    return row


def main():
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    servers.unwind_on_sigterm()
    soak = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine.describe(),
            "go-id": machine.commit(servers.ROOT), "connections": CONNECTIONS, "minutes": []}
    others = machine.Others()
    with servers.go_id() as server, servers.bare_loop() as bare_loop:
        for minute in range(minutes):
            row = one_minute(server, bare_loop)
            soak["minutes"].append(row)
            print(f"minute {minute + 1}: {row['rate']:,.0f} ids/s, {row['cpu_us']:.2f} us of CPU "
                  f"per id, {row['cpu_over_bare_loop']:.3f} of the bare loop, "
                  f"{row['resident_kb']:,} KB, {row['ids_checked']:,} ids checked", flush=True)
    soak["machine"]["others_share"] = others.share()
    results = servers.OUT / "results"
    results.mkdir(exist_ok=True)
    (results / "soak.json").write_text(json.dumps(soak, indent=1) + "\n")
    print(report.soak_targets(soak))
    sys.exit(1 if any(row[4] == "missed" for row in targets.judge_soak(soak)) else 0)


main()
