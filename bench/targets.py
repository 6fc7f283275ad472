"""The targets, as ratios within one run, and whether a run has met them."""

import statistics

PROMISES = ("errors", "unanswered", "duplicates", "disorder", "unchecked")  # of each there are to be none
TOLERANCE = 0.10  # a target that is missed by more than this fails the run


class Run:
    """Short ways to the medians of a run."""

    def __init__(self, results):
        self.results = results

    def get(self, case, server, metric):
        return self.results["cases"][case][server][metric]

    def ratio(self, case, metric, ours="go-id", theirs="bare loop", their_case=None):
        """That of each round, of which the median is judged: a machine has faster and slower times,
        and the two of a round are but seconds apart."""
        mine = self.get(case, ours, "rounds")[metric]
        other = self.get(their_case or case, theirs, "rounds")[metric]
        return [mine[number] / other[number] for number in mine if number in other]

    def library(self, threads, what):
        return self.results["library"][str(threads)][what]


def per_cpu(run, theirs):
    return run.ratio("one id, wrk", "cpu_us", theirs=theirs)


def queue_excess(run, connections, metric):
    """How many ticks beyond the ideal queue of a saturated shard."""
    case = f"one shard, {connections} connections"
    return max(0, run.get(case, "go-id", metric) - run.get(case, "go-id", "ideal_queue_us")) / 1e4


def single_ratio(run, threads):
    return run.library(threads, "single") / run.library(threads, "clock_and_add")


# what, limit, "most" or "least", value
TARGETS = [
    ("64 connections: CPU per request over bare loop", 1.15, "most",
     lambda run: per_cpu(run, "bare loop")),
    ("64 connections: CPU per request over nginx", 1.0, "most", lambda run: per_cpu(run, "nginx")),
    ("64 connections: CPU per request over Go net/http", 1 / 3, "most",
     lambda run: per_cpu(run, "Go net/http")),
    ("pipelining 16: requests/s over bare loop", 0.6, "least",
     lambda run: run.ratio("pipelining 16", "rate")),
    ("pipelining 16: requests/s over nginx", 5, "least",
     lambda run: run.ratio("pipelining 16", "rate", theirs="nginx")),
    ("one shard saturated: share of 25,600 ids/s", 0.996, "least",
     lambda run: run.get("one shard, 64 connections", "go-id", "rate") / 25_600),
    ("one shard saturated: p99 beyond the ideal queue, ticks", 2, "most",
     lambda run: queue_excess(run, 64, "p99_us")),
    ("batch 10,000 JSON: bytes/s over bare loop", 0.6, "least",
     lambda run: run.ratio("batch 10000 json", "bytes_per_s")),
    ("batch 10,000 binary: bytes/s over bare loop", 0.6, "least",
     lambda run: run.ratio("batch 10000 binary", "bytes_per_s")),
    ("library: single id over clock read and atomic add", 1.5, "most",
     lambda run: single_ratio(run, 1)),
    ("library, 2 threads: single id over clock read and atomic add", 1.5, "most",
     lambda run: single_ratio(run, 2)),
    ("library: batch, million ids/s", 500, "least", lambda run: 1e3 / run.library(1, "batch")),
    ("10,000 connections: requests/s over 64 connections", 0.8, "least",
     lambda run: run.ratio("10000 connections", "rate", "go-id", "go-id", "64 connections")),
    ("10,000 connections on one shard: p99.9 beyond the ideal queue, ticks", 2, "most",
     lambda run: queue_excess(run, 10000, "p999_us")),
    ("memory: resident idle, MB", 3, "most",
     lambda run: run.get("memory", "go-id", "idle_kb") * 1024 / 1e6),
    ("memory: KB per open connection", 2.5, "most",
     lambda run: run.get("memory", "go-id", "kb_per_connection") * 1.024),
    ("start: exec to first id, ms", 10, "most", lambda run: run.get("start", "go-id", "ms")),
    ("binary: KB stripped", 250, "most", lambda run: run.results["stripped_bytes"] / 1e3),
    ("CPU per id, 10,000 over 1,000 connections", 1.1, "most",
     lambda run: run.ratio("10000 connections", "cpu_us", "go-id", "go-id", "1000 connections")),
]


def soak_cpu(soak):
    """CPU per id over the bare loop's, of each minute."""
    return [minute["cpu_over_bare_loop"] for minute in soak["minutes"]]


def soak_dearest(soak):
    values = soak_cpu(soak)
    return max(values) / statistics.median(values)


def soak_growth(soak):
    """The median of the second half's minutes over that of the first's."""
    values = soak_cpu(soak)
    half = len(values) // 2
    if half == 0:
        return None
    return statistics.median(values[-half:]) / statistics.median(values[:half])


def soak_growth_kb(soak):
    """Of memory, after a minute to warm up."""
    values = [minute["resident_kb"] for minute in soak["minutes"]]
    return (values[-1] - values[1]) * 1.024 if len(values) > 2 else None


# The same for a soak, as soak.py writes it.
SOAK_TARGETS = [
    ("CPU per id over bare loop: second half over the first", 1.1, "most",
     soak_growth),
    ("CPU per id over bare loop: dearest minute over the median one", 1.1, "most",
     soak_dearest),
    ("resident memory: growth from the second minute to the last, KB", 0, "most", soak_growth_kb),
    ("errors, clients without an answer, ids twice, out of order, or not checked", 0, "most",
     lambda soak: sum(minute[name] for minute in soak["minutes"] for name in PROMISES)),
]


def judge(results):
    """Rows of (what, limit, bound, value, verdict, rounds); verdict: met, close, missed or not
    measured; rounds: the ratio of each, where it is made in each."""
    return judged(TARGETS, Run(results))


def judge_soak(soak):
    return judged(SOAK_TARGETS, soak)


def judged(wanted, run):
    rows = []
    for what, limit, bound, measure in wanted:
        try:
            value = measure(run)
        except KeyError:  # of a server that was not there, or on which every load failed
            value = None
        rounds = []
        if isinstance(value, list):
            rounds = value
            value = statistics.median(rounds) if rounds else None
        verdict = "not measured"
        if value is not None:
            lesser, greater = (limit, value) if bound == "least" else (value, limit)
            verdict = ("met" if lesser <= greater else
                       "close" if lesser <= greater * (1 + TOLERANCE) else "missed")
        rows.append((what, limit, bound, value, verdict, rounds))
    return rows


def broken_promises(results):
    """What no benchmark may see, whatever its speed: errors, and ids twice or out of order."""
    found = []
    for case, by_server in results["cases"].items():
        for server, medians in by_server.items():
            if server not in ("go-id", "undisturbed") and case not in ("clock", "disk"):
                continue
            for metric in PROMISES:
                if medians.get("worst_" + metric, 0) > 0:
                    found.append(f"{case}, {server}: {medians['worst_' + metric]:g} {metric}")
    if results["library"]["duplicates"] or results["library"]["unchecked"]:
        found.append("library: duplicates, or ids that were not checked")
    return found
