"""The service suite's harness and the fault suite's clock are used here as well."""

import os
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / suite) for suite in ("service", "faults", "docs")]


def pytest_configure():
    if not os.access(os.environ.get("GO_ID", ""), os.X_OK):
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/release/go-id python3 -m pytest tests/proxies", returncode=2)
