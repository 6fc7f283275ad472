"""The benchmark: go-id beside what users would pick instead, in one interleaved run.

    make bench, or python3 bench/run.py [--rounds N] [GROUP...]

Writes results.json, results.md and a plot per comparison to out/bench/results.  Ends with 1 when a
target is missed by more than 10 %, or when an id came twice.  Never part of the tests.

Groups are those of cases.py.  A run of some of them is for looking at them: it prints what it has
measured, writes it to part.json, and judges nothing.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import cases
import machine
import report
import servers
import targets

ROUNDS = 5
KEPT = ("rate", "cpu_us", "p99_us", "bytes_per_s")  # of each round: ratios are made within one
PROGRAMS = ("nginx", "node", "redis-server", "redis-benchmark", "pgbench", "wrk", "h2load", "strip")
RESULTS = servers.OUT / "results"


class Recorder:
    """Collects what each round measured."""

    def __init__(self):
        self.round = 0  # the present one
        self.rounds = {}
        self.failures = []

    def __call__(self, case, server, result):
        if "cpu_us" in result:
            result["utilisation"] = result["rate"] * result["cpu_us"] / 1e6
        self.rounds.setdefault(case, {}).setdefault(server, []).append((self.round, result))

    def failed(self, what):
        """A load of which there is no result."""
        print(what, file=sys.stderr, flush=True)
        self.failures.append(what)

    def medians(self):
        return {case: {server: self._median(results) for server, results in by_server.items()}
                for case, by_server in self.rounds.items()}

    @staticmethod
    def _median(rounds):
        results = [result for _, result in rounds]
        medians = {name: statistics.median(result[name] for result in results)
                   for name in results[0]}
        medians["rounds"] = {name: {number: result[name] for number, result in rounds}
                             for name in KEPT if name in results[0]}
        for name in targets.PROMISES:  # one error is one too many, and no median shows it
            if name in results[0]:
                medians["worst_" + name] = max(result[name] for result in results)
        if "ids_checked" in results[0]:
            medians["ids_checked"] = sum(result["ids_checked"] for result in results)
        return medians


def run_groups(groups, rounds):
    recorder = Recorder()
    for group in groups:
        begin = time.monotonic()
        print(f"{group.__name__}: {group.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        running = group(recorder)
        for recorder.round in range(rounds):
            next(running)  # starts the servers, or measures a round, up to the next yield
        recorder.round = rounds
        try:
            next(running)
        finally:
            running.close()
        print(f"{group.__name__}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return recorder


def stripped_bytes():
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "go-id"
        subprocess.run(["strip", "-o", stripped, servers.GO_ID], check=True)
        return stripped.stat().st_size


def library():
    done = subprocess.run([servers.OUT / "bench/bench_generator"], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def versions():
    return {
        "go-id": f"{machine.version_of(servers.GO_ID, 'version')} ({machine.commit(servers.ROOT)})",
        "nginx": machine.version_of("/usr/sbin/nginx", "-v"),
        "Node.js": f"Node.js {machine.version_of('node', '--version')}",
        "Redis": machine.version_of("redis-server", "--version"),
        "PostgreSQL": machine.version_of(servers.postgres_programs() / "postgres", "--version"),
        "wrk": machine.version_of("wrk", "--version"),
        "h2load": machine.version_of("h2load", "--version"),
        "gcc": machine.version_of("gcc", "--version"),
        **({"Go": servers.go_service_version()} if servers.has_go_service() else {}),
    }


def arguments():
    names = {group.__name__: group for group in cases.GROUPS}
    parser = argparse.ArgumentParser(prog="run.py", description="The benchmark; see make help.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(names))
    given = parser.parse_args()
    for name in given.groups:
        if name not in names:
            parser.error(f"no group {name!r}; there are {', '.join(names)}")
    return given.rounds, [names[name] for name in given.groups or names]


def require(programs):
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in programs if shutil.which(name, path=path) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; scripts/install_packages.sh bench does that")


def main():
    require(PROGRAMS)
    rounds, groups = arguments()
    servers.unwind_on_sigterm()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    begin = time.monotonic()
    results = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "rounds": rounds,
               "machine": machine.describe(), "versions": versions()}
    others = machine.Others()
    results["library"] = library()
    recorder = run_groups(groups, rounds)
    results["cases"] = recorder.medians()
    results["failures"] = recorder.failures
    results["stripped_bytes"] = stripped_bytes()
    results["machine"]["others_share"] = others.share()
    results["seconds"] = round(time.monotonic() - begin)

    RESULTS.mkdir(exist_ok=True)
    if len(groups) < len(cases.GROUPS):
        (RESULTS / "part.json").write_text(json.dumps(results, indent=1) + "\n")
        print(report.part(results))
        return
    (RESULTS / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(report.write(results, RESULTS))
    print(f"measured in {results['seconds']} s; in {RESULTS}", file=sys.stderr)
    broken = targets.broken_promises(results) + results["failures"]
    missed = [row[0] for row in targets.judge(results) if row[4] == "missed"]
    for line in broken + [f"missed by more than 10 %: {what}" for what in missed]:
        print(line, file=sys.stderr)
    sys.exit(1 if broken or missed else 0)


if __name__ == "__main__":
    main()
