"""The daemon comes from the service tests' harness."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "service"))
