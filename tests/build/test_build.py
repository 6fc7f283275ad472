"""What build.sh makes, and what a second run makes of it."""

import hashlib
import os
import subprocess

import pytest


def test_it_makes_what_the_configuration_asks_for(world):
    world.configure('STORAGE_QUOTA_SIZE="4G"\nHOST_PORT=7100\nSHARD_ID="64-127"\nMEMORY_LIMIT=256MB\n'
                    'CPU_LIMIT=all\nSTART_TIME="2022-01-01T00:00:00Z"\nMIN_ID=259672045196083201\nSNAPSHOT_SCHEDULE="30 3 * * *"\nSNAPSHOT_RETENTION=14\nAUTOSTART=no\n')
    status, said = world.build()
    assert status == 0, said
    assert said.endswith("go-id-v1 serves:\n    curl http://localhost:7100/generate\n")
    assert world.instances() == ["go-id-v1"]
    has = {key: world.instance("go-id-v1", f"config/{key}") for key in (
        "environment.SHARD_ID", "environment.SERVICE_PORT", "environment.START_TIME", "environment.MIN_ID", "limits.memory", "limits.cpu",
        "snapshots.schedule", "snapshots.expiry", "boot.autostart")}
    assert has == {"environment.SHARD_ID": "64-127", "environment.SERVICE_PORT": "7001",
                   "environment.START_TIME": "2022-01-01T00:00:00Z", "environment.MIN_ID": "259672045196083201",
                   "limits.memory": "256MB", "limits.cpu": "", "snapshots.schedule": "30 3 * * *",
                   "snapshots.expiry": "14d", "boot.autostart": "false"}
    devices = {name: world.instance("go-id-v1", f"devices/{name}")
               for name in ("root", "eth0", "state", "log", "api")}
    assert devices == {
        "root": "disk path=/ size=4GiB pool=btrfs_local_main",
        "eth0": "nic name=eth0 nictype=bridged parent=lxdbr0",
        "state": "disk pool=btrfs_local_main source=go-id-v1-state path=/var/lib/go-id",
        "log": "disk pool=btrfs_local_main source=go-id-v1-log path=/var/log/go-id",
        "api": "proxy listen=tcp:127.0.0.1:7100 connect=tcp:127.0.0.1:7001"}
    assert world.instance("go-id-v1", "state") == "RUNNING"
    assert world.instance("go-id-v1", "snapshots/first") is not None
    assert (world.played / "instances/go-id-v1/snapshots/first").exists()


def test_a_strict_umask_does_not_get_into_the_image(world):
    """A program that only its owner can read is none for the service's user."""
    before = os.umask(0o077)
    try:
        status, said = world.build("--image-only")
    finally:
        os.umask(before)
    assert status == 0, said
    assert (world.played / "umask").read_text() == "0022\n"


def test_the_exported_image_has_a_checksum_that_checks(built):
    names = sorted(path.name for path in built.images.iterdir())
    assert names == ["go-id-1.0.0-amd64.tar.xz", "go-id-1.0.0-amd64.tar.xz.sha256", "launch.sh"]
    subprocess.run(["sha256sum", "-c", names[1]], cwd=built.images, check=True)
    fingerprint = hashlib.sha256((built.images / names[0]).read_bytes()).hexdigest()
    assert [path.name for path in (built.played / "images").iterdir()] == [fingerprint]
    assert not (built.project / "out/container/parts").exists()


def test_a_second_run_has_nothing_to_do(built):
    before = built.contents()
    status, said = built.build()
    assert status == 0
    assert "Nothing to build: go-id-v1 is what" in said
    assert built.calls() == []
    assert built.contents() == before


def test_a_second_run_starts_a_container_that_is_stopped(built):
    built.play("instances/go-id-v1/state", "STOPPED")
    status, said = built.build()
    assert status == 0, said
    assert built.calls() == ["lxc start go-id-v1"]


def test_a_second_run_does_not_call_what_is_not_well_done(built):
    built.play("unwell", "503 no mark")
    before = built.contents()
    status, said = built.build()
    assert status == 1
    assert "http://127.0.0.1:7001/health does not say OK, but: 503 no mark\n" in said
    assert "curl http://localhost:7001/generate" not in said
    assert built.calls() == []
    assert built.contents() == before


def test_a_second_run_says_what_differs_and_changes_nothing(built):
    (built.project / "server/main.c").write_text("int main(void) { return 1; }\n")
    built.configure("LOG_QUOTA_SIZE=600M\n")
    before = built.contents()
    status, said = built.build()
    assert status == 1
    assert '  LOG_QUOTA_SIZE is "512M" there, and "600M" in ' in said
    assert "  the sources have changed\n" in said
    assert "add --rebuild" in said
    assert built.contents() == before


def test_rebuild_replaces_the_container_and_keeps_its_volumes(built):
    old_image = built.instance("go-id-v1", "config/volatile.base_image")
    (built.played / "pools/btrfs_local_main/volumes/go-id-v1-state/the mark").write_text("42\n")
    built.play("image", "2")
    built.configure("LOG_QUOTA_SIZE=600M\n")
    status, said = built.build("--rebuild")
    assert status == 0, said
    assert built.instances() == ["go-id-v1"]
    image = built.instance("go-id-v1", "config/volatile.base_image")
    assert image != old_image
    assert [path.name for path in (built.played / "images").iterdir()] == [image]
    volumes = built.played / "pools/btrfs_local_main/volumes"
    assert (volumes / "go-id-v1-state/the mark").read_text() == "42\n"
    assert (volumes / "go-id-v1-log/size").read_text() == "600MiB\n"
    assert not [call for call in built.calls() if "volume delete" in call or "volume create" in call]


@pytest.mark.parametrize("options", [(), ("--rebuild",)])
def test_a_shard_that_was_set_since_is_not_put_back(built, options):
    """As the seed says it is set: lxc config set go-id-v1 environment.SHARD_ID=5."""
    built.play("instances/go-id-v1/config/environment.SHARD_ID", "5")
    before = built.contents()
    status, said = built.build(*options)
    assert status == 1
    assert f"✗ shard of go-id-v1      SHARD_ID is 5 there, set since it was made, and 1 in {built.conf}\n" in said
    assert f'      mend it: put SHARD_ID="5" into {built.conf}; or lxc config set go-id-v1 environment.SHARD_ID=1\n' in said
    assert built.calls() == []
    assert built.contents() == before


def test_a_shard_that_was_set_since_is_kept_once_the_configuration_has_it(built):
    built.play("instances/go-id-v1/config/environment.SHARD_ID", "5")
    built.configure("SHARD_ID=5\n")
    status, said = built.build()
    assert status == 0, said
    assert "Nothing to build" in said
    status, said = built.build("--rebuild")
    assert status == 0, said
    assert built.instance("go-id-v1", "config/environment.SHARD_ID") == "5"


def test_another_shard_in_the_configuration_is_a_difference_like_any_other(built):
    built.configure("SHARD_ID=6\n")
    status, said = built.build()
    assert status == 1
    assert '  SHARD_ID is "1" there, and "6" in ' in said and "add --rebuild" in said
    assert built.calls() == []


@pytest.mark.parametrize("left", ["go-id-v1-new", "go-id-v1-old", "both", "replaced"])
def test_a_run_that_was_killed_is_cleared_up_by_the_next(built, left):
    """kill -9 leaves what it was doing; what counts is the container that has been seen to serve."""
    instances = built.played / "instances"
    subprocess.run(["cp", "-a", instances / "go-id-v1", instances / "spare"], check=True)
    built.play("instances/spare/state", "STOPPED")
    built.play("instances/spare/config/user.spare", "yes")
    if left == "replaced":
        built.play("instances/spare/config/user.go-id.replaced", "yes")
    if left == "go-id-v1-old":
        subprocess.run(["rm", "-r", instances / "go-id-v1"], check=True)
    (instances / "spare").rename(instances / ("go-id-v1-new" if left == "go-id-v1-new" else "go-id-v1-old"))
    status, said = built.build()
    assert status == 0, said
    assert built.instances() == ["go-id-v1"]
    assert built.instance("go-id-v1", "state") == "RUNNING"
    survivor = built.instance("go-id-v1", "config/user.spare")
    assert survivor == ("yes" if left in ("go-id-v1-old", "both") else "")


def test_start_default_builds_with_the_default_configuration(world):
    status, said = world.run(script=world.project / "startDefault.sh")
    assert status == 0, said
    assert said.endswith("    curl http://localhost:7001/generate\n")
    assert "note: GO_VERSION 1.21 is not used" in said
    assert (world.project / "out/image/launch.sh").exists()


def test_image_only_makes_the_image_and_no_container(world):
    world.lack("lxc", "btrfs", "ss", "ip", "curl")
    status, said = world.build("--image-only")
    assert status == 0, said
    assert world.instances() == []
    assert (world.images / "launch.sh").exists()
    subprocess.run(["sha256sum", "-c", "go-id-1.0.0-amd64.tar.xz.sha256"], cwd=world.images, check=True)


def test_incus_is_taken_where_lxd_is_not(world):
    (world.bin / "lxc").rename(world.bin / "incus")
    status, said = world.build()
    assert status == 0, said
    assert "incus 5.0.2, and it answers" in said
    assert "incus snapshot create go-id-v1 first --no-expiry" in world.calls()


@pytest.mark.parametrize("compression, left", [("zstd:3", False), ("none", True)])
def test_a_location_that_is_mapped_becomes_a_subvolume_there(world, compression, left):
    """Also where a pool was that LXD has deleted: it leaves an empty subvolume."""
    disk = world.folder / "disk"
    disk.mkdir()
    if left:
        (disk / "go-id").mkdir()
    locations = world.folder / "locations"
    locations.write_text(f"# of this host\nother.path=/nowhere\nbtrfs_local_main.path={disk}\n")
    world.configure(f'STORAGE_LOCATIONS_FILE="{locations}"\nSTORAGE_COMPRESSION={compression}\n')
    status, said = world.build()
    assert status == 0, said
    made = [call for call in world.calls() if "btrfs" in call.split()[0] or "storage create" in call]
    assert made == [
        f"btrfs subvolume create {disk}/go-id",
        *([f"btrfs property set {disk}/go-id compression zstd:3"] if compression != "none" else []),
        f"lxc storage create btrfs_local_main btrfs source={disk}/go-id"]


def test_a_dry_run_prints_every_changing_command_and_changes_nothing(world):
    before = world.contents()
    (world.played / "networks/lxdbr0").rmdir()
    status, said = world.build("--dry-run", "--create-bridge", "--install")
    assert status == 0, said
    assert said.endswith("Nothing was changed.\n")
    assert world.calls() == []
    assert not (world.project / "out").exists()
    (world.played / "networks/lxdbr0").mkdir()
    assert world.contents() == before
    (world.played / "networks/lxdbr0").rmdir()
    shown = world.shown(said)
    status, said = world.build("--create-bridge")
    assert status == 0, said
    image = next((world.played / "images").iterdir()).name
    done = [call.replace(image, "SHA256-OF-IMAGE").replace(image[:12], "SHA256-OF-IM")
            for call in world.calls() if call.startswith("lxc ")]
    assert shown == done


def test_a_dry_run_on_a_bare_host_shows_the_build_behind_the_installation(world):
    (world.played / "networks/lxdbr0").rmdir()
    _, said = world.build("--dry-run", "--create-bridge")
    shown = world.shown(said)
    world.lack("gcc", "mmdebstrap", "curl", "ip", "ss", "btrfs", "lxc")
    before = world.contents()
    status, said = world.build("--dry-run", "--create-bridge", "--install")
    assert status == 0, said
    assert "+ scripts/install_packages.sh build container" in said
    for line in ("compiler               missing: gcc", "image tools            missing: mmdebstrap",
                 "network tools          missing: curl ip ss", "BTRFS tools            there is no command btrfs",
                 "LXD or Incus           neither lxc nor incus is installed"):
        assert f"  ! {line}; would be installed\n      mend it: build/build.sh " in said
    assert "  ✗ " not in said and "command not found" not in said
    assert world.shown(said) == shown and len(shown) > 10
    assert said.endswith("Nothing was changed.\n")
    assert world.calls() == []
    assert world.contents() == before


def test_a_dry_run_of_rebuild_shows_the_exchange(built):
    before = built.contents()
    status, said = built.build("--dry-run", "--rebuild")
    assert status == 0, said
    for command in ("lxc stop go-id-v1 --timeout 60", "lxc rename go-id-v1 go-id-v1-old",
                    "lxc rename go-id-v1-new go-id-v1", "lxc start go-id-v1",
                    "lxc delete --force go-id-v1-old"):
        assert f"         + {command}\n" in said
    assert built.calls() == []
    assert built.contents() == before


def test_one_build_at_a_time(world):
    world.trouble(1, "hangs")
    first = world.start(world.conf)
    world.wait_for_hang(first)
    status, said = world.build()
    assert status == 1
    assert "another build is under way" in said
    (world.played / "release").touch()
    assert first.communicate()[0].endswith("/generate\n")
