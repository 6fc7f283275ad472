"""Fixtures: the daemon that a module's tests share."""

import os
import pathlib
import tempfile

import pytest

import harness


def pytest_configure():
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/release/go-id python3 -m pytest tests/service", returncode=2)


@pytest.fixture(scope="module")
def server(request):
    """One daemon for all tests of a module, with the module's DAEMON as arguments.

    Only for tests that leave it as they found it; it must also outlive them all.
    """
    with harness.daemon(**getattr(request.module, "DAEMON", {})) as running:
        yield running


@pytest.fixture(name="directory")
def fixture_directory():
    """A folder for one test.  Unlike pytest's tmp_path it is short, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        yield pathlib.Path(path)
