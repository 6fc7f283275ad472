"""What a request and the daemon may cost, counted: never a timing."""

import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "service"))

import harness  # noqa: E402 (its folder is known from here on)

BUILD = pathlib.Path(harness.GO_ID).parent


def pytest_configure():
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/test/go-id python3 -m pytest tests/cost", returncode=2)
    for name in ("hot_path", "allocation_shim.so", "lock_shim.so"):
        if not (BUILD / "tests/cost" / name).exists():
            pytest.exit(f"{name} is missing: scripts/build.sh test makes it", returncode=2)


@pytest.fixture(name="directory")
def fixture_directory():
    """A folder for one test.  Unlike pytest's tmp_path it is short, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        yield pathlib.Path(path)


@pytest.fixture(name="build")
def fixture_build():
    """The folder of the build under test."""
    return BUILD
