"""The checks: all in one report, each with the command that mends it, and nothing changed when one fails."""

import pathlib

import pytest


def mapped(world, text):
    locations = world.folder / "locations"
    locations.write_text(text)
    world.configure(f'STORAGE_LOCATIONS_FILE="{locations}"\n')


def no_bridge(world):
    (world.played / "networks/lxdbr0").rmdir()


def other_pool(world):
    (world.played / "pools/btrfs_local_main/volumes").mkdir(parents=True)
    world.play("pools/btrfs_local_main/driver", "zfs")


def foreign_container(world):
    for name in ("config", "devices", "snapshots"):
        (world.played / "instances/go-id-v1" / name).mkdir(parents=True)
    world.play("instances/go-id-v1/state", "STOPPED")


def same_shard(world):
    foreign_container(world)
    (world.played / "instances/go-id-v1").rename(world.played / "instances/my-go-id")
    world.play("instances/my-go-id/config/environment.SHARD_ID", "0-5")


def foreign_volume(world):
    (world.played / "pools/btrfs_local_main/volumes/go-id-v1-state").mkdir(parents=True)
    world.play("pools/btrfs_local_main/driver", "btrfs")
    world.play("pools/btrfs_local_main/config", "")


def not_btrfs(world):
    world.play("file_system", "ext2/ext3")
    mapped(world, f"btrfs_local_main.path={world.folder}\n")


def subvolume_taken(world):
    (world.folder / "go-id/of-another").mkdir(parents=True)
    mapped(world, f"btrfs_local_main.path={world.folder}\n")


FAILURES = {
    "not root": (lambda world: world.play("uid", "1000"), "✗ root ", "sudo build/build.sh "),
    "no compiler": (lambda world: world.lack("gcc", "cmake"), "missing: gcc cmake", "--install"),
    "no image tools": (lambda world: world.lack("mmdebstrap"), "missing: mmdebstrap", "--install"),
    "no curl": (lambda world: world.lack("curl"), "missing: curl", "--install"),
    "no btrfs tools": (lambda world: world.lack("btrfs"), "✗ BTRFS tools", "--install"),
    "no btrfs in the kernel": (lambda world: world.play("no_btrfs", "x"), "✗ BTRFS in the kernel",
                               "linux-modules-extra"),
    "no LXD": (lambda world: world.lack("lxc"), "neither lxc nor incus is installed", "--install"),
    "LXD down": (lambda world: world.play("down", "connection refused"),
                 "lxc is installed, but does not answer: Error: connection refused", "systemctl start lxd"),
    "LXD forbidden": (lambda world: world.play("down", "dial unix: permission denied"),
                      "permission denied", "usermod -aG lxd"),
    "another pool": (other_pool, "btrfs_local_main is there, but is zfs", "another STORAGE_LOCATION_ID"),
    "location not BTRFS": (not_btrfs, "is not on a BTRFS, but on ext2/ext3", "mount a BTRFS there"),
    "subvolume there": (subvolume_taken, "is there already, and no pool", "move it away"),
    "no bridge": (no_bridge, "there is no lxdbr0, lxcbr0 or incusbr0", "--create-bridge"),
    "port taken": (lambda world: world.play("ports", "7001"), "✗ port 7001", "ss -ltnp"),
    "disk nearly full": (lambda world: world.play("free_kib", str(1 << 20)), "1.0 GiB free",
                         "du -xh -d 3 /"),
    "foreign container": (foreign_container, "not made by this script: container go-id-v1",
                          "choose another CONTAINER_NAME"),
    "foreign volume": (foreign_volume, "not made by this script: volume go-id-v1-state",
                       "choose another CONTAINER_NAME"),
    "shard taken": (same_shard, "my-go-id (shard 0-5, stopped) has it too", "choose another SHARD_ID"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_missing_is_named_with_what_mends_it_and_nothing_is_changed(world, name):
    spoil, found, mend = FAILURES[name]
    spoil(world)
    before = world.contents()
    status, said = world.build()
    assert status == 1, said
    assert found in said
    lines = said.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  ✗ "))
    assert lines[at + 1].startswith("      mend it: ") and mend in lines[at + 1], said
    failed = sum(line.startswith("  ✗ ") for line in lines)
    assert failed == (2 if name == "disk nearly full" else 1), said  # for the build, and for the pool
    assert lines[-1] == f"build.sh: {failed} of these must be mended first; nothing was changed"
    assert world.calls() == []
    assert world.contents() == before
    assert not (world.project / "out").exists()


def test_all_that_fails_is_in_one_report(world):
    world.lack("gcc", "btrfs", "lxc")
    no_bridge(world)
    world.play("ports", "7001")
    world.play("no_btrfs", "x")
    world.play("free_kib", "1000")
    status, said = world.build("--check")
    assert status == 1
    assert said.count("  ✗ ") == 8  # both folders lack space
    assert said.count("      mend it: ") == 9
    assert "  ! storage pool           not checked" in said


@pytest.mark.parametrize("spoil, found", [
    (lambda world: world.play("free_kib", str(5 << 20)), "  ! space for the pool     5.0 GiB free"),
    (lambda world: (world.play("no_btrfs", "x"), world.play("btrfs_module", "x")),
     "  ! BTRFS in the kernel    a module that is not loaded"),
])
def test_a_warning_stops_nothing(world, spoil, found):
    spoil(world)
    status, said = world.build("--check")
    assert status == 0, said
    assert found in said
    lines = said.splitlines()
    assert all(lines[at + 1].startswith("      mend it: ") for at, line in enumerate(lines) if line.startswith("  ! ")), said


def test_an_old_service_that_was_retired_is_a_warning_only(world):
    """As docs/migration.md has it: stopped, renamed, not started with the host, and its SHARD_ID is still set."""
    foreign_container(world)
    (world.played / "instances/go-id-v1").rename(world.played / "instances/go-id-v0")
    world.play("instances/go-id-v0/config/environment.SHARD_ID", "1")
    world.play("instances/go-id-v0/config/boot.autostart", "false")
    status, said = world.build("--check")
    assert status == 0, said
    assert "  ! shard 1                go-id-v0 (shard 1, stopped) has it too, and must stay as it is" in said
    assert "      mend it: lxc delete go-id-v0, once you will not go back to it\n" in said
    world.play("instances/go-id-v0/state", "RUNNING")
    status, said = world.build("--check")
    assert status == 1
    assert "  ✗ shard 1                go-id-v0 (shard 1, running) has it too" in said


def test_a_container_of_ours_that_is_stopped_keeps_its_shard(built):
    """It would start with lxc start, as every day; a retired one is another program's."""
    built.play("instances/go-id-v1/state", "STOPPED")
    built.play("instances/go-id-v1/config/boot.autostart", "false")
    built.configure("CONTAINER_VERSION=v2\n")
    status, said = built.build("--check")
    assert status == 1
    assert "  ✗ shard 1                go-id-v1 (shard 1, stopped) has it too" in said


def test_a_shard_of_another_program_is_no_obstacle(world):
    same_shard(world)
    (world.played / "instances/my-go-id").rename(world.played / "instances/a-database")
    status, said = world.build("--check")
    assert status == 0, said


def test_check_only_checks(world):
    before = world.contents()
    status, said = world.build("--check", "--install", "--create-bridge")
    assert status == 0, said
    assert "  ✗ " not in said and "  ! " not in said
    assert world.calls() == []
    assert world.contents() == before
    assert not (world.project / "out").exists()


def test_install_comes_before_the_checks(world):
    world.lack("gcc")
    status, said = world.build("--install")
    assert status == 1
    assert world.calls() == ["install_packages.sh build container"]
    assert "missing: gcc" in said


@pytest.mark.parametrize("bridge", ["lxcbr0", "incusbr0"])
def test_another_bridge_is_found(world, bridge):
    (world.played / "networks/lxdbr0").rename(world.played / "networks" / bridge)
    status, said = world.build("--check")
    assert status == 0, said
    assert f"✓ bridge                 {bridge}\n" in said


def test_a_bridge_that_is_missing_is_made_when_asked(world):
    no_bridge(world)
    status, said = world.build("--create-bridge")
    assert status == 0, said
    assert "lxc network create lxdbr0 ipv4.address=auto ipv4.nat=true ipv6.address=none" in world.calls()


@pytest.mark.parametrize("setting, there", [
    ("STORAGE_POOL_SIZE=20G", "STORAGE_POOL_SIZE (it has 12GiB)"),
    ("STORAGE_COMPRESSION=zlib", "STORAGE_COMPRESSION (it is mounted with user_subvol_rm_allowed,compress=zstd)"),
])
def test_what_a_pool_that_is_there_does_not_take_is_said(built, setting, there):
    built.configure(f"{setting}\n")
    status, said = built.build("--check")
    assert status == 0, said
    assert f"  ! storage pool           btrfs_local_main is there, and not changed: {there}\n      mend it: " in said


def test_another_port_that_is_taken_is_not_the_containers_own(built):
    built.configure("HOST_PORT=7100\n")
    built.play("ports", "7100")
    status, said = built.build("--rebuild")
    assert status == 1
    assert "  ✗ port 7100              in use on this host" in said
    assert built.calls() == []


def test_the_state_is_not_left_behind_in_another_pool(built):
    built.configure("STORAGE_LOCATION_ID=elsewhere\n")
    status, said = built.build("--rebuild")
    assert status == 1
    assert "its state is in the pool btrfs_local_main, which would be left behind" in said
    assert 'set STORAGE_LOCATION_ID="btrfs_local_main"' in said
    assert built.calls() == []


def test_a_location_that_is_not_mapped_is_said_to_be_on_a_loop_file(world):
    mapped(world, "another.path=/\n")
    status, said = world.build("--check")
    assert status == 0, said
    assert "does not map btrfs_local_main: its pool will be on a loop file" in said


def test_a_question_without_an_answer_never_means_there_is_none(world):
    """LXD goes away between the checks and the build: the build stops, and touches nothing."""
    client = world.bin / "lxc"
    real = pathlib.Path(client.resolve())
    client.unlink()
    client.write_text('#!/usr/bin/env bash\n[[ "$*" != "storage list --format csv" ]] || exit 1\n'
                      f'exec -a lxc {real} "$@"\n')
    client.chmod(0o755)
    status, said = world.build()
    assert status == 1
    assert "no answer to 'lxc storage list --format csv'" in said
    assert world.calls() == []
