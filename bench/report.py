"""Results as Markdown tables and plots.

    python3 bench/report.py FOLDER     puts a run into docs/performance.md, its folder, and README.md

FOLDER has results.json, and soak.json if there was a soak; if not, the page keeps the last one's.
The tables of docs/performance.md stand between "<!-- NAME -->" and "<!-- end -->"; the rest of the
page is written by people.
"""

import contextlib
import json
import pathlib
import re
import shutil
import statistics
import sys
import textwrap

import plot
import targets

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"
README = ROOT / "README.md"
FOLDER = ROOT / "docs/performance"

BUSY = 0.9  # share of its CPU below which a server was not what limited its requests/s
OTHERS_MAX = 0.05  # of the machine's CPU time; above that somebody else was using it


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def whole(value):
    return f"{value:,.0f}"


def short(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def milliseconds(value_us):
    return short(value_us / 1e3)


def megabytes(value_kb):
    """Of what /proc calls kB, which are 1,024 bytes."""
    return f"{value_kb * 1024 / 1e6:.3g}"


def machine(results):
    about = results["machine"]
    busy = ""
    if about["others_share"] > OTHERS_MAX:
        busy = ("\n\n**The machine was busy with other work.** Requests/s, latencies and whatever else "
                "is measured in wall time say nothing then; CPU time, memory and sizes do.")
    return (f"{results['date']}; {about['cpu']}, {about['cores']} cores, {about['memory_mb']:,} MB, "
            f"Linux {about['kernel']}; {others(about)}; {results['rounds']} interleaved rounds, "
            f"medians; {results['seconds']} s in all.\n\n"
            f"{', '.join(results['versions'].values())}{busy}")


def others(about):
    return f"other processes used {about['others_share'] * 100:.1f} % of the CPU time meanwhile"


def target_table(judged):
    rows = []
    for what, limit, bound, value, verdict, rounds in judged:
        sign = "at most" if bound == "most" else "at least"
        spread = f"{short(min(rounds))} to {short(max(rounds))}" if rounds else ""
        rows.append([what, f"{sign} {short(limit)}", "" if value is None else short(value), verdict,
                     spread])
    if not any(row[4] for row in rows):
        return table(["what", "target", "measured", ""], [row[:4] for row in rows])
    return table(["what", "target", "measured", "", "rounds"], rows)


NOTE = f"""\\* The server used less than {BUSY * 100:.0f} % of its CPU: something else is the limit here, the load mostly, \
with one connection the way there and back, of PostgreSQL the disk."""


def marked(text, *of):
    """A figure, with a mark when it is the load's and not the servers' that it is of."""
    return text if all(result["utilisation"] >= BUSY for result in of) else f"{text} *"


def rate(result):
    return marked(whole(result["rate"]), result)


def noted(text):
    """A table, with a note if a rate in it has that mark."""
    return f"{text}\n\n{NOTE}" if " * |" in text else text


def peer_rows(results, case):
    for server, result in results["cases"][case].items():
        latency = [milliseconds(result[name]) if name in result else ""
                   for name in ("p50_us", "p99_us", "p999_us")]
        yield [server, rate(result), f"{result['cpu_us']:.2f}", *latency,
               megabytes(result["resident_kb"])]


PEER_HEADER = ["server", "requests/s", "CPU per request, us", "p50, ms", "p99, ms", "p99.9, ms",
               "memory, MB"]


def peers(case):
    return lambda results: noted(table(PEER_HEADER, peer_rows(results, case)))


def connections(results):
    rows = []
    for count in (1, 64, 1000, 10000):
        for row in peer_rows(results, f"{count} connections"):
            rows.append([f"{count:,}", *row])
    return noted(table(["connections", *PEER_HEADER], rows)) + unanswered(results)


def unanswered(results):
    """Who got no answer while a load lasted has no latency, and is told of beside the table."""
    left = [f"{server} {result['worst_unanswered']:,.0f} of {case}"
            for case, by_server in results["cases"].items() if case.endswith("connections")
            for server, result in by_server.items() if result.get("worst_unanswered", 0) > 0]
    return f"\n\nLeft without an answer until the end of a load: {', '.join(left)}." if left else ""


def batch_cases(results):
    for case in results["cases"]:
        match = re.fullmatch(r"batch (\d+) (\w+)", case)
        if match:
            yield case, int(match[1]), match[2]


def batches(results):
    rows = []
    for case, count, form in batch_cases(results):
        ours, bare = results["cases"][case]["go-id"], results["cases"][case]["bare loop"]
        ratios = targets.Run(results).ratio(case, "bytes_per_s")
        rows.append([whole(count), form, whole(ours["rate"] * count / 1e3),
                     marked(whole(ours["bytes_per_s"] / 1e6), ours),
                     marked(f"{statistics.median(ratios):.2f}", ours, bare),
                     f"{ours['cpu_us']:.1f}", f"{bare['cpu_us']:.1f}"])
    return noted(table(["ids", "format", "thousand ids/s", "MB/s", "of bare loop",
                        "CPU per answer, us", "of bare loop, us"], rows))


def batches_wrk(results):
    rows = []
    for form in ("json", "binary"):
        for server, result in results["cases"][f"batch 10000 {form}, wrk"].items():
            rows.append([form, server, rate(result), whole(result["bytes_per_s"] / 1e6),
                         f"{result['cpu_us']:.1f}", f"{result['utilisation']:.2f}"])
    return noted(table(["format", "server", "answers/s", "MB/s", "CPU per answer, us",
                        "share of its CPU"], rows))


def saturated_cases(results):
    return [by_server["go-id"] for case, by_server in results["cases"].items()
            if case.startswith("one shard")]


def saturated(results):
    rows = [[whole(result["connections"]), whole(result["rate"]),
             milliseconds(result["ideal_queue_us"]),
             *(milliseconds(result[name]) for name in ("p50_us", "p99_us", "p999_us"))]
            for result in saturated_cases(results)]
    return table(["connections", "ids/s", "ideal queue, ms", "p50, ms", "p99, ms", "p99.9, ms"], rows)


FAULT_CASES = ("no shim", "clock", "disk")


def faults(results):
    rows = []
    for case in FAULT_CASES:
        for server, result in results["cases"][case].items():
            rows.append([f"{case}: {server}", whole(result["rate"]), f"{result['cpu_us']:.2f}",
                         milliseconds(result["p99_us"]), milliseconds(result["max_us"]),
                         whole(result["worst_errors"])])
    return table(["", "requests/s", "CPU per request, us", "p99, ms", "longest, ms", "errors"], rows)


LIBRARY = {"clock": "clock read", "add": "atomic add", "clock_and_add": "both",
           "single": "sonyflake_next_id()", "batch": "an id of a batch of 10,000"}


def library(results):
    rows = [[label, *(f"{results['library'][threads][name]:.2f}" for threads in ("1", "2"))]
            for name, label in LIBRARY.items()]
    return table(["", "1 thread, ns", "2 threads, ns each"], rows)


def checks(results):
    ids = sum(result.get("ids_checked", 0) for by_server in results["cases"].values()
              for result in by_server.values()) + results["library"]["ids_checked"]
    broken = targets.broken_promises(results)
    verdict = "; ".join(broken) if broken else "none came twice, out of order, or as an error"
    failures = "".join(f"\n\nA load failed and is left out: {what}" for what in results["failures"])
    return f"{ids:,} ids were checked while they were measured: {verdict}.{failures}"


SECTIONS = {
    "machine": machine,
    "targets": lambda results: target_table(targets.judge(results)),
    "checks": checks,
    "peers": peers("one id, wrk"),
    "pipelining": peers("pipelining 16"),
    "pipelining-h2load": peers("pipelining 16, h2load"),
    "connections": connections,
    "batches": batches,
    "batches-wrk": batches_wrk,
    "saturated": saturated,
    "faults": faults,
    "library": library,
}


def soak_about(soak):
    about = soak["machine"]
    ids = sum(minute["ids_checked"] for minute in soak["minutes"])
    return (f"{soak['date']}; go-id {soak['go-id']}; {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; "
            f"{others(about)}; {soak['connections']} connections; {ids:,} ids checked.")


def soak_minutes(soak):
    rows = [[str(number), whole(minute["rate"]), f"{minute['cpu_us']:.2f}",
             f"{minute['bare_loop_cpu_us']:.2f}", f"{minute['cpu_over_bare_loop']:.3f}",
             milliseconds(minute["worst_p99_us"]), whole(minute["resident_kb"] * 1.024)]
            for number, minute in enumerate(soak["minutes"], 1)]
    return table(["minute", "ids/s", "CPU per id, us", "of bare loop, us", "ratio",
                  "worst p99, ms", "resident memory, KB"], rows)


def soak_targets(soak):
    return target_table(targets.judge_soak(soak))


SOAK_SECTIONS = {
    "soak": soak_about,
    "soak-minutes": soak_minutes,
    "soak-targets": soak_targets,
}


def plots(results, folder):
    def rows(case, metric, scale=1.0):
        return [(server, result[metric] * scale, server)
                for server, result in results["cases"][case].items()]

    plot.bars(folder / "cpu_per_request.svg",
              "CPU time of the server per request, us (64 connections; less is better)",
              rows("one id, wrk", "cpu_us"))
    plot.bars(folder / "pipelining.svg", "Requests/s, 64 connections, 16 pipelined",
              rows("pipelining 16", "rate"))
    plot.bars(folder / "connections.svg", "Requests/s by connections",
              [(f"{count:,}: {label}", value, name) for count in (1, 64, 1000, 10000)
               for label, value, name in rows(f"{count} connections", "rate")])
    plot.bars(folder / "batches.svg", "Batches of 10,000: MB/s beside canned bodies of that size",
              [(f"{form}: {label}", value, name) for case, count, form in batch_cases(results)
               if count == 10_000 for label, value, name in rows(case, "bytes_per_s", 1e-6)])
    plot.bars(folder / "saturated.svg", "One saturated shard: ms, beside the ideal queue",
              [(f"{result['connections']:,} connections: {label}", result[metric] / 1e3, label)
               for result in saturated_cases(results)
               for metric, label in (("ideal_queue_us", "ideal"), ("p50_us", "p50"),
                                     ("p99_us", "p99"), ("p999_us", "p99.9"))])
    plot.bars(folder / "faults.svg", "Requests/s while the clock goes back, while the disk stalls",
              [(f"{case}: {label}", value, case) for case in FAULT_CASES
               for label, value, _ in rows(case, "rate")])
    plot.bars(folder / "library.svg", "Library, 1 and 2 threads: ns per call, and per id of a batch",
              [(f"{label}, {threads}", results["library"][threads][name], threads)
               for name, label in LIBRARY.items() for threads in ("1", "2")])


def write(results, folder):
    """Writes results.md and the plots; returns the Markdown."""
    plots(results, folder)
    parts = [f"## {name}\n\n{section(results)}\n" for name, section in SECTIONS.items()]
    text = "# Benchmark\n\n" + "\n".join(parts)
    (folder / "results.md").write_text(text, encoding="utf-8")
    return text


def part(results):
    """The Markdown of what a run of some groups has measured."""
    found = []
    for name, section in SECTIONS.items():
        with contextlib.suppress(KeyError):  # of a case that was not measured
            text = section(results)
            if text.count("\n") != 1:  # a head without rows
                found.append(f"## {name}\n\n{text}\n")
    return "\n".join(found)


def wrapped(text):
    """The text with its paragraphs as wide as the page's, and its tables as they are."""
    return "\n\n".join(part if part.startswith("|") else
                       textwrap.fill(part, 120, break_long_words=False, break_on_hyphens=False)
                       for part in text.split("\n\n"))


def fill_page(sections, results):
    """Replaces what stands between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    for name, section in sections.items():
        text = wrapped(section(results))
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = mark.subn(lambda match: f"{match[1]}{text}\n{match[2]}", page)
        if count != 1:
            raise SystemExit(f"{PAGE}: {count} places for {name}, not one")
    PAGE.write_text(page, encoding="utf-8")


def fill_readme(results):
    """The targets that the README shows, by their names."""
    text = README.read_text(encoding="utf-8")
    for what, _, _, value, *_ in targets.judge(results):
        if value is not None:
            text = re.sub(rf"(?m)^(\| {re.escape(what)} \| )[\d.,]+", lambda match: match[1] + short(value), text)
    README.write_text(text, encoding="utf-8")


def publish(path, sections):
    """Puts a file of figures into the page and beside it; returns them."""
    results = json.loads(path.read_text(encoding="utf-8"))
    fill_page(sections, results)
    shutil.copyfile(path, FOLDER / path.name)
    return results


def main():
    folder = pathlib.Path(sys.argv[1])
    FOLDER.mkdir(exist_ok=True)
    results = publish(folder / "results.json", SECTIONS)
    plots(results, FOLDER)
    fill_readme(results)
    if (folder / "soak.json").exists():
        publish(folder / "soak.json", SOAK_SECTIONS)
    else:
        print("no soak.json: make bench-soak makes one; the page keeps the last soak's figures")


if __name__ == "__main__":
    main()
