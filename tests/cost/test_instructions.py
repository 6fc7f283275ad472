"""Instructions of the server's own code per request and per id, as callgrind counts them.

They are the same on every run.  A bound is what was counted when it was set, and some 15 % more: a
change that breaks it either costs what users would notice, or comes with a new bound and a reason.
"""

import re
import subprocess

import pytest

JSON, TEXT, BINARY = "", "&format=text", "&format=binary"
ALL = 65536

# name, target, shards, workers, requests per read, what is divided by, bound
CASES = [
    ("one id", "/generate", 64, 1, 1, 1, 4400),
    ("one id, pipelined", "/generate", 64, 1, 16, 16, 4000),
    ("health", "/health", 64, 1, 1, 1, 3600),
    ("batch of 100", "/generate?count=100", 64, 1, 1, 100, 66),
    ("batch of 10,000", "/generate?count=10000", ALL, 1, 1, 10_000, 12),
    ("batch of 10,000 in text", f"/generate?count=10000{TEXT}", ALL, 1, 1, 10_000, 12),
    ("batch of 10,000 in binary", f"/generate?count=10000{BINARY}", ALL, 1, 1, 10_000, 4.7),
    ("a scrape of the largest service", "/metrics", ALL, 256, 1, 1, 820_000),  # some 0.1 ms
]


def instructions(build, directory, *arguments):
    """What hot_path executes in all."""
    out = directory / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
               build / "tests/cost/hot_path", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"^(?:summary|totals):\s*(\d+)", out.read_text(), re.MULTILINE)[1])


@pytest.mark.parametrize("name,target,shards,workers,pipeline,divisor,bound", CASES,
                         ids=[case[0] for case in CASES])
def test_instructions(build, directory, name, target, shards, workers, pipeline, divisor, bound):
    few, many = 20, 120
    cost = (instructions(build, directory, target, shards, workers, pipeline, many) -
            instructions(build, directory, target, shards, workers, pipeline, few)) / (many - few) / divisor
    print(f"{name}: {cost:,.1f} instructions")
    assert cost <= bound
    assert cost > bound / 2, "the bound tells nothing any more: lower it"
