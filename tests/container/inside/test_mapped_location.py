"""A storage location that is mapped to a folder on a BTRFS of the host: the pool that the build makes there."""

import shlex
import subprocess

import pytest

import lxd

POOL = "mapped_location"

# The check and the step of build.sh, on their own: a whole build would take a minute to show no more.
CHECK_AND_MAKE = """
set -euo pipefail
cd {repository}/build && for part in run client values settings prerequisites container; do source ./$part.sh; done
set_defaults && STORAGE_LOCATION_ID={pool} STORAGE_PATH={folder} STORAGE_COMPRESSION={compression} LOG_FILE=/dev/stderr
watch_signals && check_manager - && check_pool && ((CHECKS_FAILED == 0)) && make_pool && {last}
"""


@pytest.fixture(name="disk", scope="module")
def fixture_disk(first):
    """A BTRFS of its own, mounted."""
    assert first
    folder, image = lxd.WORK / "mapped", lxd.WORK / "mapped.image"
    folder.mkdir()
    lxd.sh(f"truncate -s 512M {image} && mkfs.btrfs -q {image} && mount -o loop,user_subvol_rm_allowed {image} {folder}")
    try:
        yield folder
    finally:
        lxd.lxc("storage", "delete", POOL, check=False)
        lxd.sh(f"umount {folder} && rm {image} && rmdir {folder}", check=False)


def make(disk, compression="zstd", last="forget_undo"):
    script = CHECK_AND_MAKE.format(repository=shlex.quote(str(lxd.REPOSITORY)), pool=POOL, folder=disk,
                                   compression=compression, last=last)
    return lxd.sh(script, check=False)


def is_compressed(disk):
    return "compression=zstd" in subprocess.run(["btrfs", "property", "get", disk / "go-id"], check=True,
                                                capture_output=True, text=True).stdout


def test_it_is_made_deleted_and_made_again(disk):
    """What LXD leaves of it is no obstacle, and does not keep its compression."""
    for compression in ("zstd", "none"):
        said = make(disk, compression)
        assert said.returncode == 0, said.stdout + said.stderr
        pool = lxd.query(f"/1.0/storage-pools/{POOL}")
        assert (pool["driver"], pool["config"]["source"]) == ("btrfs", f"{disk}/go-id")
        assert is_compressed(disk) == (compression != "none")
        lxd.lxc("storage", "delete", POOL)
        assert (disk / "go-id").is_dir()


def test_a_failure_takes_it_back(disk):
    assert make(disk, last="false").returncode != 0
    assert not (disk / "go-id").exists()
    assert f"/1.0/storage-pools/{POOL}" not in lxd.query("/1.0/storage-pools")


def test_what_somebody_else_has_there_is_left_alone(disk):
    (disk / "go-id/of-another").mkdir(parents=True)
    said = make(disk)
    assert said.returncode != 0
    assert "is there already, and no pool" in said.stdout
    assert (disk / "go-id/of-another").is_dir()
