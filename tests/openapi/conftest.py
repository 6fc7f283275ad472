"""docs/openapi.yaml, and daemons to hold it against."""

import os
import pathlib
import sys
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "service"))

import harness  # noqa: E402 (its folder is known from here on)
from ids import compose, tick_now  # noqa: E402

DOCUMENT_TEXT = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
DOCUMENT = yaml.safe_load(DOCUMENT_TEXT)


def pytest_configure():
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test: run scripts/openapi_tests.sh BINARY",
                    returncode=2)


@pytest.fixture(scope="session", name="plain")
def fixture_plain():
    with harness.daemon(env={"SHARD_ID": "64-127"}) as server:
        yield server


@pytest.fixture(scope="session", name="not_ready")
def fixture_not_ready():
    """One that may issue no id before tomorrow, and therefore none."""
    tomorrow = tick_now() + 100 * 86400
    with harness.daemon(env={"SHARD_ID": "8", "MIN_ID": compose(tomorrow, 0, 0)}) as server:
        yield server


@pytest.fixture(scope="session", name="impatient")
def fixture_impatient():
    with harness.daemon(env={"SHARD_ID": "9", "HEAD_TIMEOUT_MS": 20}) as server:
        yield server
