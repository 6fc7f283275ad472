"""The same load for ten minutes: does an id get dearer, does memory grow?

    make bench-soak, or python3 bench/soak.py [MINUTES]

Writes soak.json to out/bench/results, for docs/performance.md.  Ends with 1 when a target of a soak
(targets.py) is missed by more than 10 %, or when an id came twice.
"""

import json
import sys
import time

import loads
import machine
import report
import servers
import targets

MINUTES = 10
CONNECTIONS = 64


def main():
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    servers.unwind_on_sigterm()
    soak = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine.describe(),
            "connections": CONNECTIONS, "minutes": []}
    rows = soak["minutes"]
    others = machine.Others()
    with servers.go_id() as server:
        for minute in range(minutes):
            result = loads.checked(server, CONNECTIONS, 1, 60, "text")
            rows.append({name: result[name] for name in
                         ("rate", "cpu_us", "p99_us", "ids_checked", *targets.PROMISES)})
            rows[-1]["resident_kb"] = machine.resident_kb(server.pid)
            print(f"minute {minute + 1}: {result['rate']:,.0f} ids/s, {result['cpu_us']:.2f} us of "
                  f"CPU per id, {rows[-1]['resident_kb']:,} KB, {result['ids_checked']:,} ids "
                  "checked", flush=True)
    soak["machine"]["others_share"] = others.share()
    results = servers.OUT / "results"
    results.mkdir(exist_ok=True)
    (results / "soak.json").write_text(json.dumps(soak, indent=1) + "\n")
    print(report.soak_targets(soak))
    sys.exit(1 if any(row[4] == "missed" for row in targets.judge_soak(soak)) else 0)


main()
