"""The container image: what skopeo and umoci find in it, and a life as a container."""

import json
import os
import re
import subprocess

import pytest

from ids import machine_id_of
from oci_run import container
from release import SOURCES, VERSION

NOBODY = 65532

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a container's namespaces")


def pack(binary, path):
    subprocess.run([SOURCES / "scripts/oci_image.py", binary, path], check=True)
    return path


def skopeo(*args):
    return json.loads(subprocess.run(["skopeo", "inspect", *args], check=True, capture_output=True,
                                     text=True).stdout)


@pytest.fixture(name="image", scope="module")
def fixture_image(static_binary, tmp_path_factory):
    return pack(static_binary, tmp_path_factory.mktemp("oci") / "go-id.tar")


@pytest.fixture(name="config", scope="module")
def fixture_config(image):
    return skopeo("--config", "--raw", f"oci-archive:{image}")["config"]


@pytest.fixture(name="root", scope="module")
def fixture_root(image):
    """Its root, unpacked as a runtime would."""
    layout, bundle = image.parent / "layout", image.parent / "bundle"
    layout.mkdir()
    subprocess.run(["tar", "-xf", image, "-C", layout], check=True)
    (reference,) = re.findall('"org.opencontainers.image.ref.name":"([^"]*)"',
                              (layout / "index.json").read_text())
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    subprocess.run(["umoci", "unpack", *rootless, f"--image={layout}:{reference}", bundle],
                   check=True, capture_output=True)
    return bundle / "rootfs"


@pytest.fixture(name="state")
def fixture_state(tmp_path):
    """A volume, as a runtime makes it of the folder in the image."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o750)
    os.chown(folder, NOBODY, NOBODY)
    return folder


def test_the_same_binary_makes_the_same_image(image, static_binary, tmp_path):
    assert pack(static_binary, tmp_path / "again.tar").read_bytes() == image.read_bytes()


def test_it_is_small(image):
    assert image.stat().st_size < 250_000


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_skopeo_reads_it_in_both_forms(image, form):
    found = skopeo(f"{form}:{image}")
    assert (found["Os"], len(found["Layers"])) == ("linux", 1)
    assert found["Labels"]["org.opencontainers.image.version"] == VERSION
    assert set(found["Labels"]) == {f"org.opencontainers.image.{name}" for name in (
        "created", "description", "licenses", "revision", "title", "version")}


def test_it_says_how_it_wants_to_be_run(config):
    assert config["User"] == f"{NOBODY}:{NOBODY}"
    assert config["Entrypoint"] + config["Cmd"] == ["/usr/bin/go-id", "serve"]
    assert config["ExposedPorts"] == {"7001/tcp": {}}
    assert config["Volumes"] == {"/var/lib/go-id": {}}
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/go-id", "health"]
    assert config["StopSignal"] == "SIGTERM"
    assert "LISTEN_ADDRESS=0.0.0.0" in config["Env"]


def test_there_is_nothing_in_it_but_the_binary_and_its_licences(root, static_binary):
    files = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    assert files == {"usr/bin/go-id", "usr/share/doc/go-id/copyright"}
    assert (root / "usr/bin/go-id").read_bytes() == static_binary.read_bytes()
    licences = (root / "usr/share/doc/go-id/copyright").read_text()
    assert "go-id authors" in licences and "musl" in licences
    assert list((root / "var/lib/go-id").iterdir()) == []


@needs_root
def test_it_serves_and_goes_on_behind_its_mark(root, config, state):
    """Two lives of a container with one volume."""
    last = 0
    for _ in range(2):
        with container(root, config, state) as running:
            ids = json.loads(running.get("/generate?count=1000"))["ids"]
            assert ids == sorted(set(ids)) and ids[0] > last
            last = ids[-1]
            assert running.inside("/usr/bin/go-id", "health").stdout == "OK\n"
            assert running.stop() == 0


@needs_root
def test_it_has_no_rights(root, config, state):
    with container(root, config, state) as running:
        assert running.status("Uid") == running.status("Gid") == [str(NOBODY)] * 4
        assert {running.status(name)[0] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == \
            {"0" * 16}
        assert running.status("NoNewPrivs") == ["1"] and running.status("Seccomp") == ["2"]
        assert running.status("NSpid")[-1] == "1"  # the first process, as in any container
        with open(f"/proc/{running.pid}/mountinfo", encoding="utf-8") as file:
            mounts = {line.split()[4]: line.split()[5].split(",") for line in file}
        assert "ro" in mounts["/"] and "rw" in mounts["/var/lib/go-id"]
        assert (state / "go-id.state").exists()
        assert running.stop() == 0


@needs_root
def test_the_host_name_of_a_pod_makes_its_shard(root, config, state):
    """With a volume as Kubernetes' fsGroup makes it: root's, and open to the group."""
    os.chown(state, 0, NOBODY)
    state.chmod(0o2775)
    env = {"SHARD_ID": "hostname", "SHARD_BASE": "40"}
    with container(root, config, state, host="go-id-2", env=env) as running:
        assert machine_id_of(json.loads(running.get("/generate"))["id"]) == 42
        assert running.stop() == 0


@needs_root
def test_a_new_container_goes_on_with_the_volume_under_the_same_name_only(root, config, state):
    with container(root, config, state, host="go-id-7") as running:
        assert running.stop() == 0
    with pytest.raises(AssertionError, match="the state belongs to instance go-id-7"):
        with container(root, config, state, host="0123456789ab"):
            pass
    with container(root, config, state, host="go-id-7") as running:
        assert running.stop() == 0


@needs_root
def test_a_service_that_is_not_healthy_is_seen_to_be_so(root, config, state):
    with container(root, config, state) as running:
        done = running.inside("/usr/bin/go-id", "health", "http://127.0.0.1:1/health")
        assert done.returncode == 1
        assert running.stop() == 0
