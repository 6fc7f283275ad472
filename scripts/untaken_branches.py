"""Holds gcov's branches that no test takes against the list of them: untaken_branches.py JSON DOCUMENT.

JSON is gcovr's; in DOCUMENT each row of the table that begins with a file names a line of source,
word for word, and why a branch of it is not taken.  Fails for a branch that is not listed; tells of
rows that this run did not need.  BUG_IF needs no row.
"""

import json
import pathlib
import re
import sys


def untaken(report):
    """(file, line of source) for each line with a branch that was never taken."""
    found = set()
    for file in json.loads(pathlib.Path(report).read_text())["files"]:
        source = pathlib.Path(file["file"]).read_text().splitlines()
        for line in file["lines"]:
            if any(branch["count"] == 0 for branch in line["branches"]):
                found.add((file["file"], source[line["line_number"] - 1].strip()))
    found = {(name, text) for name, text in found if not text.startswith("BUG_IF(")}
    return found


def listed(document):
    rows = re.findall(r"^\| `([^`]+\.[ch])` \| `` (.*?) `` \|", pathlib.Path(document).read_text(), re.MULTILINE)
    return {(file, line) for file, line in rows}


def main():
    report, document = sys.argv[1:]
    found, known = untaken(report), listed(document)
    for file, line in sorted(found - known):
        print(f"a branch that no test takes, and {document} does not list:\n  {file}: {line}")
    for file, line in sorted(known - found):
        print(f"listed in {document}, but taken this time, or gone:\n  {file}: {line}")
    print(f"{len(found)} lines with a branch that no test takes")
    sys.exit(1 if found - known else 0)


main()
