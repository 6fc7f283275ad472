"""How much there is to carry around."""

import subprocess

from harness import GO_ID

STRIPPED_MAX = 250_000  # bytes


def test_the_binary_is_small(directory):
    stripped = directory / "go-id"
    subprocess.run(["strip", "-o", stripped, GO_ID], check=True)
    assert stripped.stat().st_size < STRIPPED_MAX


def test_the_binary_needs_nothing_but_libc():
    listing = subprocess.run(["readelf", "--dynamic", GO_ID], check=True, capture_output=True,
                             text=True).stdout
    needed = [line.split("[")[1].rstrip("]") for line in listing.splitlines() if "(NEEDED)" in line]
    assert needed == ["libc.so.6"]
