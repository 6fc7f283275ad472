"""Adds up the JUnit files of a folder: count_results.py DIRECTORY.

Names what failed, what failed first and passed when it was run again (scripts/pytest.sh: flaky), and
what was skipped; ends with "N passed, N failed, N skipped".  Fails if anything failed, if nothing
ran, or if more than FLAKY_MAX tests were flaky: that many have a reason in common.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

FLAKY_MAX = 3


def cases(path):
    """Of every test in the file: its name, and what became of it ("failed", "skipped", "passed")."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')} {case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", ""
        elif skip is not None:
            yield name, "skipped", skip.get("message", "")
        else:
            yield name, "passed", ""


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0, "flaky": 0}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        if path.name.endswith(".again.xml"):
            continue
        again = path.with_suffix(".again.xml")
        passed_again = {name for name, result, _ in cases(again) if result == "passed"} \
            if again.exists() else set()
        for name, result, why in cases(path):
            if result == "failed" and name in passed_again:
                counts["flaky"] += 1
                print(f"FLAKY    {path.stem}: {name}: failed, and passed when it was run again")
                result = "passed"
            elif result == "failed":
                print(f"FAILED   {path.stem}: {name}")
            elif result == "skipped":
                print(f"SKIPPED  {path.stem}: {name}: {why}")
            counts[result] += 1
    if counts["flaky"]:
        print(f"{counts['flaky']} flaky (at most {FLAKY_MAX} may be)")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    ok = counts["failed"] == 0 and counts["passed"] > 0 and counts["flaky"] <= FLAKY_MAX
    sys.exit(0 if ok else 1)


main()
