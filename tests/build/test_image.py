"""Packing the image, as far as it needs no root: container/image.sh with a stand-in for chroot."""

import os
import subprocess

import pytest

import world as worlds


@pytest.mark.parametrize("status", [0, 127])
def test_a_program_that_does_not_run_in_there_is_not_packed(tmp_path, status):
    """Compiled on a host whose C library is newer than the container's, for example."""
    chroot = tmp_path / "chroot"
    chroot.write_text(f"#!/bin/sh\necho go-id 1.0.0\nexit {status}\n")
    chroot.chmod(0o755)
    rootfs = tmp_path / "rootfs"
    (rootfs / "usr/lib").mkdir(parents=True)
    (rootfs / "usr/lib/os-release").write_text("VERSION_CODENAME=bookworm\n")
    done = subprocess.run([worlds.PROJECT / "container/image.sh", rootfs, tmp_path / "image.tar.xz"], check=False,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == status
    assert (tmp_path / "image.tar.xz").exists() == (status == 0)
    assert sorted(path.name for path in tmp_path.glob("image*")) == ["image.tar.xz"] * (status == 0)
