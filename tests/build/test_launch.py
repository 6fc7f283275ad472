"""The generated launch.sh, which brings up further shards."""

import shutil

import pytest


@pytest.fixture(name="host")
def fixture_host(built):
    """Another host, to which only the folder of images has been copied."""
    for name in ("instances", "pools", "images"):
        shutil.rmtree(built.played / name)
        (built.played / name).mkdir()
    shutil.rmtree(built.project)
    return built


def launch(world, *arguments):
    return world.run(*arguments, script=world.images / "launch.sh")


def test_it_brings_up_a_shard_on_a_host_that_has_nothing_else(host):
    status, said = launch(host, "--shard", "2")
    assert status == 0, said
    assert said.endswith("go-id-shard2 serves:\n    curl http://localhost:7002/generate\n")
    assert host.instances() == ["go-id-shard2"]
    assert host.instance("go-id-shard2", "config/environment.SHARD_ID") == "2"
    assert host.instance("go-id-shard2", "devices/state") == (
        "disk pool=btrfs_local_main source=go-id-shard2-state path=/var/lib/go-id")
    assert sorted(path.name for path in (host.played / "pools/btrfs_local_main/volumes").iterdir()) == [
        "go-id-shard2-log", "go-id-shard2-state"]


def test_it_takes_other_names_ports_pools_and_bridges(host):
    (host.played / "networks/lxdbr0").rmdir()
    status, said = launch(host, "--shard", "64-127", "--name", "ids", "--port", "9000", "--pool", "fast",
                          "--bridge", "br7", "--create-bridge")
    assert status == 0, said
    assert host.instance("ids", "devices/api") == "proxy listen=tcp:127.0.0.1:9000 connect=tcp:127.0.0.1:7001"
    assert host.instance("ids", "devices/eth0") == "nic name=eth0 nictype=bridged parent=br7"
    assert host.instance("ids", "devices/root") == "disk path=/ size=5GiB pool=fast"


@pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
def test_it_refuses_a_shard_that_is_here_already(built, state):
    built.play("instances/go-id-v1/state", state)
    built.play("instances/go-id-v1/config/environment.SHARD_ID", "1-3")
    before = built.contents()
    status, said = launch(built, "--shard", "2")
    assert status == 1
    assert f"✗ shard 2                go-id-v1 (shard 1-3, {state.lower()}) has it too" in said
    assert built.calls() == []
    assert built.contents() == before


def test_it_refuses_a_name_that_is_taken(host):
    assert launch(host, "--shard", "2")[0] == 0
    host.calm()
    status, said = launch(host, "--shard", "3", "--name", "go-id-shard2")
    assert status == 1
    assert "✗ name go-id-shard2      is there already" in said
    assert host.calls() == []


def test_it_refuses_an_image_that_is_damaged(host):
    image = next(host.images.glob("*.xz"))
    image.write_text(image.read_text() + "x")
    status, said = launch(host, "--shard", "2")
    assert status == 1
    assert "✗ image" in said
    assert host.calls() == []


def test_a_dry_run_shows_what_would_be_done(host):
    before = host.contents()
    status, said = launch(host, "--shard", "2", "--dry-run")
    assert status == 0, said
    assert host.calls() == []
    assert host.contents() == before
    shown = host.shown(said)
    status, said = launch(host, "--shard", "2")
    assert status == 0, said
    assert shown == host.calls()


@pytest.mark.parametrize("number", [3, 10])
def test_what_it_half_made_is_removed(host, number):
    before = host.contents()
    host.trouble(number, "breaks")
    status, said = launch(host, "--shard", "2")
    assert status == 1
    assert "what was there before is as it was" in said
    assert host.contents() == before


def test_a_run_that_was_killed_is_cleared_up_by_the_next(host):
    """kill -9 leaves a container that is not whole, under the name that it has until then."""
    assert launch(host, "--shard", "2")[0] == 0
    (host.played / "instances/go-id-shard2").rename(host.played / "instances/go-id-shard2-new")
    host.play("instances/go-id-shard2-new/state", "STOPPED")
    host.calm()
    status, said = launch(host, "--shard", "2")
    assert status == 0, said
    assert "clear up after a run that was killed" in said
    assert host.instances() == ["go-id-shard2"]
    assert "lxc delete --force go-id-shard2-new" in host.calls()


@pytest.mark.parametrize("arguments, said", [
    ([], "which shard? --shard N"),
    (["--shard"], "--shard needs a value"),
    (["--shard", "x"], '--shard: "x" makes no sense here'),
    (["--shard", "65536"], '--shard: "65536" makes no sense here'),
    (["--shard", "65000"], "shard 65000 has no default port; choose one with --port"),
    (["--shard", "2", "--port", "0"], '--port: "0" makes no sense here'),
    (["--shards", "2"], "unknown argument '--shards'"),
])
def test_wrong_arguments_are_refused(host, arguments, said):
    status, all_said = launch(host, *arguments)
    assert status == 2
    assert said in all_said
    assert host.calls() == []


def test_help_names_every_option(host):
    status, said = launch(host, "--help")
    assert status == 0
    for option in ("--shard N", "--port PORT", "--name NAME", "--pool POOL", "--bridge NAME", "--create-bridge",
                   "--dry-run", "--help"):
        assert option in said
