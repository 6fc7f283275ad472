"""Adds up the JUnit files of a folder: count_results.py DIRECTORY.

Names what failed and what was skipped, and ends with "N passed, N failed, N skipped".  Fails if
anything failed or if nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main():
    passed = failed = skipped = 0
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            name = f"{path.stem}: {case.get('classname', '')} {case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"FAILED   {name}")
            elif skip is not None:
                skipped += 1
                print(f"SKIPPED  {name}: {skip.get('message', '')}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if failed == 0 and passed > 0 else 1)


main()
