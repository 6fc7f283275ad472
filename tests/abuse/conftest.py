"""Fixtures and the report of the abuse suite."""

import os
import pathlib
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "service"))

import harness  # noqa: E402 (its folder is known from here on)
import calls  # noqa: E402

REPORTS = pytest.StashKey()


def pytest_configure(config):
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/test/go-id python3 -m pytest tests/abuse", returncode=2)
    if not os.path.exists(calls.LIBRARY):
        pytest.exit(f"{calls.LIBRARY} is missing: scripts/build.sh test makes it", returncode=2)
    config.stash[REPORTS] = []


@pytest.fixture(name="directory")
def fixture_directory():
    """A folder for one test.  Unlike pytest's tmp_path it is short, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        yield pathlib.Path(path)


@pytest.fixture(name="calls")
def fixture_calls(directory):
    orders = calls.Calls(directory / "calls")
    yield orders
    orders.close()


@pytest.fixture(name="report")
def fixture_report(request):
    """Takes what a good client saw, for the summary."""
    def add(seen, memory_kib):
        request.config.stash[REPORTS].append(
            (request.node.name.removeprefix("test_"), seen, memory_kib))
    return add


def pytest_terminal_summary(terminalreporter, config):
    """What the well-behaved client saw meanwhile."""
    reports = config.stash[REPORTS]
    if not reports:
        return
    write = terminalreporter.write_line
    terminalreporter.section("abuse: what a well-behaved client saw meanwhile")
    form = "{:>9} {:>7} {:>9} {:>9} {:>12}  {}"
    write(form.format("ids", "errors", "p99 ms", "max ms", "memory KiB", "test"))
    for name, seen, memory_kib in reports:
        write(form.format(f"{seen['ids']:,}", 0, f"{seen['p99_ms']:.1f}", f"{seen['max_ms']:.1f}",
                          " -> ".join(f"{kib:,}" for kib in memory_kib), name))
    write("memory: resident, after each round of the attack")
