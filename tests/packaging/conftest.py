"""Fixtures: an installation below a prefix, and the Debian packages."""

import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from release import SOURCES, make_images, make_release, sources_hash
from sandbox import Sandbox

sys.path.insert(0, str(SOURCES / "tests" / "service"))  # for what waits until something is true


def pytest_configure():
    if "GO_ID" not in os.environ or not os.access(os.environ["GO_ID"], os.X_OK):
        pytest.exit("GO_ID must name the binary whose build folder is installed, for example: "
                    "GO_ID=out/test/go-id python3 -m pytest tests/packaging", returncode=2)


@pytest.fixture(name="prefix", scope="session")
def fixture_prefix():
    """What `make install` makes, below a prefix of its own."""
    build = pathlib.Path(os.environ["GO_ID"]).resolve().parent
    with tempfile.TemporaryDirectory(prefix="go-id-") as directory:
        prefix = pathlib.Path(directory) / "prefix"
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        yield prefix


@pytest.fixture(name="release", scope="session")
def fixture_release(tmp_path_factory):
    """With an image for LXD, as if `make image` had been there before."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "image").mkdir()
    return make_release(folder / "release", make_images(folder / "image", sources_hash()))[0]


@pytest.fixture(name="packages", scope="session")
def fixture_packages(release):
    """The .deb files by the names of the packages."""
    return {path.name.split("_")[0]: path for path in release.glob("*.deb")}


@pytest.fixture(name="static_build", scope="session")
def fixture_static_build():
    """The static binary, as it is built."""
    subprocess.run([SOURCES / "scripts/build.sh", "static"], check=True, stdout=subprocess.DEVNULL)
    return SOURCES / "out/static/go-id"


@pytest.fixture(name="static_binary", scope="session")
def fixture_static_binary(static_build):
    """As it is shipped."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as directory:
        stripped = pathlib.Path(directory) / "go-id-static"
        subprocess.run(["strip", "-o", stripped, static_build], check=True)
        yield stripped


@pytest.fixture(name="sandbox")
def fixture_sandbox():
    if os.geteuid() != 0:
        pytest.skip("needs root: installs packages in an overlay of this system")
    with Sandbox() as sandbox:
        yield sandbox
