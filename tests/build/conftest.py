"""Fixtures of the tests of build.sh."""

import pathlib
import tempfile

import pytest

import world as worlds


@pytest.fixture(name="world")
def fixture_world():
    """A host on which everything is as it should be, and nothing has been built."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        yield worlds.World(pathlib.Path(path))


@pytest.fixture(name="build_that_went_well", scope="session")
def fixture_build_that_went_well():
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        world = worlds.World(pathlib.Path(path))
        status, said = world.build()
        assert status == 0, said
        world.calm()
        yield world


@pytest.fixture(name="built")
def fixture_built(world, build_that_went_well):
    """A host after a build that went well."""
    world.become(build_that_went_well)
    return world
