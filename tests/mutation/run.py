#!/usr/bin/python3
"""Breaks the code on purpose, a line at a time, and looks whether the tests notice.

    make mutants, or tests/mutation/run.py [--list | TEXT]

mutants.toml says which line, which bug, and which test must fail.  Works in a copy of the tree.
A mutant survives when that very test still passes; a line that is not there exactly once has to be
brought up to date.  Either fails the run.  TEXT: only the mutants whose entry contains it.
--list prints the table for docs/guarantees.md and runs nothing.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A mutant that makes its test hang is caught, too.
TEST_SECONDS = 180
UNIT_TEST_SECONDS = 20  # of which, without a mutant, none needs two
WAIT_SECONDS = 20  # for what a mutant keeps from happening; without one, all happens in a few
DAEMON_TARGETS = ["go-id", "clock_shim", "disk_shim"]  # what tests/service and tests/faults need
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]


class Problem(Exception):
    """The run cannot say whether a mutant is caught."""


def read_mutants(text):
    entries = tomllib.loads((ROOT / "tests/mutation/mutants.toml").read_text())["mutant"]
    return [entry for entry in entries if text in " ".join(entry.values())]


def table(mutants):
    """Markdown, for docs/guarantees.md; the lines themselves are in mutants.toml."""
    rows = [f"| {m['file']} | {m['breaks']} | `{m['test'].removeprefix('tests/')}` |"
            for m in mutants]
    return "\n".join(["| bug in | what it would do | caught by |", "|---|---|---|", *rows, ""])


def check_document():
    if table(read_mutants("")) not in (ROOT / "docs/guarantees.md").read_text(encoding="utf-8"):
        raise Problem("docs/guarantees.md does not hold the table: put the output of --list there")


def copy_tree(folder):
    """Copies what git knows, or would if it were added."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listing.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # not one that was removed and is still in the index
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def mutated(text, mutant):
    """The file's text with the bug in it."""
    lines = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line.strip() == mutant["line"]]
    if len(places) != 1:
        raise Problem(f"its line is there {len(places)} times, not once")
    lines[places[0]] = mutant["becomes"] + "\n"
    return "".join(lines)


def is_unit_test(test):
    return not test.startswith("tests/")


def build(tree, test):
    """Builds what the test needs; the mutants need not be free of warnings."""
    if not (tree / "out/test/build.ninja").exists():
        run(["cmake", "--preset", "test", "-DGO_ID_WARNINGS_AS_ERRORS=OFF"], tree)
    targets = ["test_" + test.split(":")[0]] if is_unit_test(test) else DAEMON_TARGETS
    run(["cmake", "--build", "out/test", "--target", *targets], tree)


def run(command, tree):
    result = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace", check=False)
    if result.returncode != 0:
        raise Problem(f"{' '.join(command)} failed:\n{result.stdout}")


def test_passes(tree, test):
    """Runs the test.  Of a unit test's program, only the named case decides."""
    environment = {**os.environ, "GO_ID": str(tree / "out/test/go-id"),
                   "GO_ID_DEADLINE_S": str(WAIT_SECONDS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = PYTEST + [test]
    seconds = TEST_SECONDS
    if is_unit_test(test):
        seconds = UNIT_TEST_SECONDS
        name, case = test.split(": ")
        command = [str(tree / "out/test/tests/unit" / f"test_{name}")]
    try:
        result = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=seconds, text=True,
                                errors="replace", check=False)
    except subprocess.TimeoutExpired:
        return False
    if not is_unit_test(test):
        if result.returncode not in (0, 1):  # pytest: no such test, or it could not be run
            raise Problem(f"{' '.join(command)} could not be run:\n{result.stdout}")
        return result.returncode == 0
    # A case that ends the whole program has neither passed nor failed: it was only begun.
    begun = re.search(rf"^\[ RUN      \] {case}$", result.stdout, re.MULTILINE)
    if begun is None:
        raise Problem(f"the test has not come to it:\n{result.stdout}")
    return f"[       OK ] {case}\n" in result.stdout


def is_caught(tree, mutant):
    path = tree / mutant["file"]
    text = path.read_text()
    path.write_text(mutated(text, mutant))
    try:
        build(tree, mutant["test"])
        return not test_passes(tree, mutant["test"])
    finally:
        path.write_text(text)


def check_sound(tree, mutants):
    """Without a bug the tests pass: else they would catch anything."""
    tests = sorted({mutant["test"] for mutant in mutants})
    print(f"{len(mutants)} mutants; first, their {len(tests)} tests without any", flush=True)
    for test in tests:
        build(tree, test)
        if not test_passes(tree, test):
            raise Problem(f"{test} fails without a mutant")


def run_all(mutants):
    """Returns how many were not caught."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="go-id-mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        begin = time.monotonic()
        check_sound(tree, mutants)
        print(f"all pass, after {time.monotonic() - begin:.0f} s", flush=True)
        for number, mutant in enumerate(mutants, 1):
            begin = time.monotonic()
            try:
                verdict = "caught  " if is_caught(tree, mutant) else "SURVIVED"
            except Problem as problem:
                verdict = f"FAILED   {problem}\n        "
            bad += verdict != "caught  "
            print(f"{verdict} {number:3}/{len(mutants)} {time.monotonic() - begin:3.0f} s  "
                  f"{mutant['file']}: {mutant['becomes']}  <- {mutant['test']}", flush=True)
    return bad


def main():
    arguments = sys.argv[1:]
    if len(arguments) > 1 or arguments in (["-h"], ["--help"]):
        sys.exit(__doc__)
    if arguments == ["--list"]:
        print(table(read_mutants("")), end="")
        return
    begin = time.monotonic()
    mutants = read_mutants("".join(arguments))
    try:
        check_document()
        bad = run_all(mutants)
    except Problem as problem:
        sys.exit(f"{problem}")
    print(f"{len(mutants) - bad} of {len(mutants)} mutants caught in "
          f"{time.monotonic() - begin:.0f} s")
    sys.exit(0 if bad == 0 and mutants else 1)


if __name__ == "__main__":
    main()
