"""Puts what `make e2e` measured into the table of docs/operations.md: container_figures.py

Reads out/container/measured.json, which the last run of scripts/e2e.sh wrote.
"""

import json
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
MEASURED = REPOSITORY / "out" / "container" / "measured.json"
DOCUMENT = REPOSITORY / "docs" / "operations.md"
BLOCK = re.compile(r"(<!-- figures: begin[^\n]*-->\n).*?(<!-- figures: end -->)", re.DOTALL)


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


def table(measured):
    rows = [
        ("image, compressed", "15 to 30 MB", megabytes(measured["image, bytes"])),
        ("memory", "512 MB",
         f"{megabytes(measured['container memory, bytes'])} the whole container after a boot, page cache "
         f"included; {megabytes(measured['go-id memory, bytes'])} of it go-id"),
        ("disk", "quota of 5 GB", f"quota of 5 GB; {megabytes(measured['disk of the root, bytes'])} used, and "
         f"{measured['disk of the state volume, bytes'] / 1e3:.0f} KB for the state"),
        ("start-up", "below 1 s", f"{measured['service start to ready, ms']} ms the service; "
         f"{measured['boot to first id, s']} s from `lxc start` to the first id"),
        ("concurrency", "more than 10,000 requests",
         f"{measured['connections that had an id at once']:,} open connections, an id for each"),
    ]
    lines = ["| | promised | measured |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    load = measured["load average while booting"]
    return "\n".join([*lines, "", f"{measured['where']}; load average {load} when the start-up was timed", ""])


def main():
    try:
        measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"{MEASURED} is missing: make e2e comes first")
    text = DOCUMENT.read_text(encoding="utf-8")
    filled, count = BLOCK.subn(lambda match: match[1] + table(measured) + match[2], text)
    if count != 1:
        sys.exit(f"{DOCUMENT}: there must be one table between the marks 'figures: begin' and 'end'")
    DOCUMENT.write_text(filled, encoding="utf-8")
    print(f"{DOCUMENT.relative_to(REPOSITORY)} has the figures of {measured['where']}")


main()
