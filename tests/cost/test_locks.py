"""A scrape takes no lock: not even one that is free, which no trace of system calls shows."""

import re
import struct
import subprocess

import pytest

from harness import GO_ID, daemon
from http_client import Connection

SCRAPES = 50


@pytest.fixture(name="locks_of_scrapes")
def fixture_locks_of_scrapes(build, directory):
    """locks_of_scrapes(SETTING=value, ...): how many threads of the largest service take for SCRAPES of them."""
    count = directory / "locks"
    count.write_bytes(bytes(8))

    def locks():
        return struct.unpack("=Q", count.read_bytes())[0]

    def measure(**settings):
        env = {"SHARD_ID": "0-65535", "WORKERS": 256, "LD_PRELOAD": build / "tests/cost/lock_shim.so",
               "GO_ID_TEST_LOCKS": count, **settings}
        with daemon(env=env) as server, Connection(server.address) as connection:
            assert connection.get("/metrics").status == 200
            before = locks()
            for _ in range(SCRAPES):
                assert connection.get("/metrics").status == 200
            return locks() - before

    return measure


def test_a_scrape_takes_no_lock(locks_of_scrapes):
    assert locks_of_scrapes() == 0


def test_a_lock_would_be_seen(locks_of_scrapes, directory):
    """A line in a log file that has a bound is written under one."""
    assert locks_of_scrapes(LOG_LEVEL="debug", LOG_FILE=directory / "log", LOG_FILE_MAX="1M") >= SCRAPES


def test_there_is_no_other_kind_of_lock():
    symbols = subprocess.run(["nm", "-D", "--undefined-only", GO_ID], check=True, capture_output=True,
                             text=True).stdout
    assert set(re.findall(r"\b(?:pthread|mtx)_\w*lock\b", symbols)) == \
        {"pthread_mutex_lock", "pthread_mutex_unlock"}
