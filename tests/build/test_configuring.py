"""When scripts/build.sh configures, with a stand-in for cmake."""

import os
import shutil
import subprocess

import pytest

import world as worlds

CMAKE = """#!/bin/bash
echo "$*" >>"$DONE"
[[ ! -e $DONE.fails || $1 == --build ]] || exit 1
[[ $1 == --build ]] || mkdir -p out/release
"""
CONFIGURE, BUILD = "--fresh --preset release", "--build out/release"


class Project:
    """A folder with the script, presets, and a cmake that writes down what it is called for."""

    def __init__(self, folder):
        self.folder = folder
        self.presets = folder / "CMakePresets.json"
        (folder / "scripts").mkdir()
        (folder / "bin").mkdir()
        shutil.copy(worlds.PROJECT / "scripts/build.sh", folder / "scripts")
        (folder / "bin/cmake").write_text(CMAKE)
        (folder / "bin/cmake").chmod(0o755)
        self.presets.touch()
        self.set_age(self.presets, 100)

    @staticmethod
    def set_age(path, seconds):
        """As if it had been changed then: the clock of a file system is too coarse to go by."""
        now = os.stat(path).st_mtime
        os.utime(path, (now - seconds, now - seconds))

    def build(self):
        """What cmake was called for, and the exit status."""
        done = self.folder / "done"
        done.write_text("")
        status = subprocess.run([self.folder / "scripts/build.sh", "release"], capture_output=True, check=False,
                                env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "DONE": str(done)}).returncode
        return done.read_text().splitlines(), status


@pytest.fixture(name="project")
def fixture_project(tmp_path):
    return Project(tmp_path)


def test_it_configures_the_first_time_only(project):
    assert project.build() == ([CONFIGURE, BUILD], 0)
    assert project.build() == ([BUILD], 0)


def test_it_configures_again_when_the_presets_have_changed(project):
    project.build()
    project.set_age(project.folder / "out/release/configured", 10)
    project.set_age(project.presets, -95)  # 5 s ago
    assert project.build() == ([CONFIGURE, BUILD], 0)
    assert project.build() == ([BUILD], 0)


def test_what_could_not_be_configured_is_not_built_and_tried_again(project):
    (project.folder / "done.fails").touch()
    assert project.build() == ([CONFIGURE], 1)
    (project.folder / "done.fails").unlink()
    assert project.build() == ([CONFIGURE, BUILD], 0)
