"""What counts as a change of the sources: all that the image is made from."""

import os
import pathlib
import re
import subprocess

import pytest

import world as worlds

BUILD = pathlib.Path(os.environ.get("GO_ID", worlds.PROJECT / "out/test/go-id")).resolve().parent


def listed():
    text = (worlds.PROJECT / "build/image.sh").read_text()
    return re.search(r"^IMAGE_SOURCES=\((.*?)\)", text, re.MULTILINE | re.DOTALL)[1].split()


def used_by_the_build():
    """The files of the project that a build of it reads, as Ninja and CMake have it, but for those of tests."""
    if not (BUILD / "build.ninja").exists():
        pytest.skip(f"nothing is built in {BUILD}: scripts/build.sh test")
    texts = [subprocess.run(["ninja", "-C", BUILD, "-t", "inputs", *targets], check=True, capture_output=True,
                            text=True).stdout for targets in (["all"], ["build.ninja"])]
    texts += [subprocess.run(["ninja", "-C", BUILD, "-t", "deps"], check=True, capture_output=True, text=True).stdout]
    texts += [path.read_text() for path in BUILD.rglob("cmake_install.cmake")]
    paths = {pathlib.Path(path) for text in texts
             for path in re.findall(rf"{re.escape(str(worlds.PROJECT))}/[^\s\"':;]+", text)}
    paths |= {(BUILD / path).resolve() for path in re.findall(r"^ +(\.\./[^\s]+)", texts[2], re.MULTILINE)}
    names = {str(path.relative_to(worlds.PROJECT)) for path in paths
             if path.is_file() and worlds.PROJECT in path.parents}
    return {name for name in names if not name.startswith(("out/", "tests/"))}


def used_by_the_container():
    """What the scripts of container/ take from beside that folder."""
    return {name for path in (worlds.PROJECT / "container").glob("*.sh")
            for name in re.findall(r"\$here/\.\./([^\s\"']+)", path.read_text())}


def test_all_that_the_image_is_made_from_counts():
    used = used_by_the_build() | used_by_the_container()
    assert len(used) > 100 and {"server/serve.c", "include/sonyflake.h"} <= used
    missing = {name for name in used
               if not any(name == source or name.startswith(f"{source}/") for source in listed())}
    assert not missing
    assert not [source for source in listed() if not (worlds.PROJECT / source).exists()]


@pytest.mark.parametrize("source", ["docs/openapi.yaml", "LICENSE"])
def test_a_change_of_one_is_a_difference(built, source):
    path = built.project / source
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed\n")
    status, said = built.build()
    assert status == 1
    assert "  the sources have changed\n" in said
