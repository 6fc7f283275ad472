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
TOKEN = "the-token-of-these-tests"


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


@pytest.fixture(scope="session", name="closed")
def fixture_closed(tmp_path_factory):
    """One that asks for a token."""
    tokens = tmp_path_factory.mktemp("closed") / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text(f"{TOKEN}\n", encoding="utf-8")
    with harness.daemon(env={"SHARD_ID": "10", "AUTH_TOKEN_FILE": tokens}) as server:
        yield server


@pytest.fixture(scope="session", name="used_up")
def fixture_used_up():
    """One that a client may ask once a second, and that has been asked all at once."""
    with harness.daemon(env={"SHARD_ID": "11", "RATE_LIMIT": 1, "RATE_LIMIT_BURST": 1}) as server:
        yield server


@pytest.fixture(scope="session", name="impatient")
def fixture_impatient():
    with harness.daemon(env={"SHARD_ID": "9", "HEAD_TIMEOUT_MS": 20}) as server:
        yield server
