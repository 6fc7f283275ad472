"""Fixtures and the report of the fault suite."""

import os
import pathlib
import re
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "service"))

import harness  # noqa: E402 (its folder is known from here on)
import journal as journals  # noqa: E402
import shims  # noqa: E402

INVARIANTS = re.compile(r"(I[1-4](?:, I[1-4])*): ")

JOURNALS = pytest.StashKey()


def pytest_configure(config):
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/test/go-id python3 -m pytest tests/faults", returncode=2)
    for path in (shims.CLOCK_SHIM, shims.DISK_SHIM):
        if not os.path.exists(path):
            pytest.exit(f"{path} is missing: scripts/build.sh test makes it", returncode=2)
    config.stash[JOURNALS] = []


def pytest_collection_modifyitems(items):
    """Every test says which invariant it attacks."""
    for item in items:
        if not INVARIANTS.match(item.function.__doc__ or ""):
            raise pytest.UsageError(f"{item.name}: the docstring must begin with I1 to I4")


@pytest.fixture(name="directory")
def fixture_directory():
    """A folder for one test.  Unlike pytest's tmp_path it is short, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        yield pathlib.Path(path)


@pytest.fixture(name="state")
def fixture_state(directory):
    """A state directory that outlives the daemons that use it."""
    path = directory / "state"
    path.mkdir()
    return path


@pytest.fixture(name="clock")
def fixture_clock(directory):
    clock = shims.Clock(directory / "clock")
    yield clock
    clock.close()


@pytest.fixture(name="disk")
def fixture_disk(directory):
    return shims.Disk(directory / "disk")


@pytest.fixture(name="journal", autouse=True)
def fixture_journal(request):
    """What the clients of a test are told; a line of the report."""
    attacked = INVARIANTS.match(request.function.__doc__)[1]
    journal = journals.Journal(f"{request.node.name.removeprefix('test_')} ({attacked})")
    request.config.stash[JOURNALS].append(journal)
    yield journal
    journal.finish()


def milliseconds(gap_ns):
    return "" if gap_ns is None else f"{gap_ns / 1e6:,.0f}"


def pytest_terminal_summary(terminalreporter, config):
    """What was done to the daemon, and what came of it."""
    write = terminalreporter.write_line
    done = [journal for journal in config.stash[JOURNALS] if journal.faults]
    terminalreporter.section("faults")
    form = "{:>7} {:>11} {:>6} {:>6} {:>8} {:>6} {:>8}  {}"
    write(form.format("faults", "ids", "twice", "order", "refused", "lost", "gap ms", "test"))
    for journal in done:
        write(form.format(f"{journal.faults:,}", f"{journal.ids:,}", journal.duplicates,
                          journal.order_violations, f"{len(journal.refusals):,}", journal.losses,
                          milliseconds(journal.longest_gap_ns), journal.name))
    write(form.format(f"{sum(journal.faults for journal in done):,}",
                      f"{sum(journal.ids for journal in done):,}",
                      sum(journal.duplicates for journal in done),
                      sum(journal.order_violations for journal in done),
                      f"{sum(len(journal.refusals) for journal in done):,}",
                      sum(journal.losses for journal in done),
                      milliseconds(max((journal.longest_gap_ns or 0 for journal in done),
                                       default=0)), "in all"))
    write("twice, order: ids issued twice, answers out of order; both must be 0.  refused: 503s.  "
          "lost: requests cut")
    write("off by a kill.  gap: the longest time without a success while a fault lasted.")
