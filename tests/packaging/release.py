"""The sources, their version, and a release made of them."""

import pathlib
import re
import subprocess

SOURCES = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"project\(go-id VERSION ([0-9.]+)",
                    (SOURCES / "CMakeLists.txt").read_text(encoding="utf-8"))[1]


def make_release(folder):
    """What `make dist` makes, in a folder."""
    subprocess.run([SOURCES / "scripts/dist.sh", folder], check=True, stdout=subprocess.DEVNULL)
    return folder
