"""The service suite's harness is used here as well."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))


def pytest_configure():
    if not os.access(os.environ.get("GO_ID", ""), os.X_OK):
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/release/go-id python3 -m pytest tests/proxies", returncode=2)
