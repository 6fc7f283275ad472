"""The host after a run is as it was before."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import host_state  # noqa: E402 (its folder is known from here on)


@pytest.mark.parametrize("kind", host_state.KINDS)
def test_nothing_is_left_on_the_host(kind):
    assert host_state.added(os.path.join(host_state.WORK, "before.json"), kind) == []
