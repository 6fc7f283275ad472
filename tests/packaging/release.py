"""The sources, their version, and a release made of them."""

import os
import pathlib
import re
import shutil
import subprocess

SOURCES = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"project\(go-id VERSION ([0-9.]+)",
                    (SOURCES / "CMakeLists.txt").read_text(encoding="utf-8"))[1]


MACHINE = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True,
                         text=True).stdout.strip()
IMAGE = f"go-id-{VERSION}-{MACHINE}.tar.xz"


def make_release(folder, images):
    """What `make dist` makes, in a folder; and what it says."""
    done = subprocess.run([SOURCES / "scripts/dist.sh", folder], check=True, text=True,
                          env={**os.environ, "IMAGE_FOLDER": str(images)}, stdout=subprocess.PIPE)
    return folder, done.stdout


def make_images(folder, sources):
    """What stands in for out/image: an image of which `make dist` reads two files, and a launcher."""
    rootfs = folder / "rootfs"
    listed = rootfs / "usr/share/doc/go-id/packages.tsv"
    listed.parent.mkdir(parents=True)
    listed.write_text("libc6\t2.36-9\tglibc=2.36-9\nbusybox-static\t1:1.35.0-4\tbusybox=1:1.35.0-4\n")
    (rootfs / "usr/bin").mkdir()
    shutil.copy(os.environ["GO_ID"], rootfs / "usr/bin/go-id")
    subprocess.run(["tar", "-C", folder, "-cJf", folder / IMAGE, "rootfs"], check=True,
                   env={**os.environ, "XZ_OPT": "-0"})
    (folder / "launch.sh").write_text(f"#!/bin/sh\nSOURCES={sources}\n")
    return folder


def sources_hash():
    """Of the sources as they are here, as an image has it that is made of them."""
    return subprocess.run(["bash", "-c", "ROOT=$PWD; . build/image.sh; sources_hash"], cwd=SOURCES,
                          check=True, capture_output=True, text=True).stdout.strip()
