"""The quotas of root, state and log are enforced, and go-id keeps its promises in front of them."""

import json

import pytest

import lxd

NAME = "go-id-quota"
FULL = "Disk quota exceeded"


@pytest.fixture(name="quota", scope="module")
def fixture_quota(first):
    assert first
    with lxd.instance(NAME, 7103, {"environment.SHARD_ID": 20}) as made:
        yield made


def fill(container, folder):
    """Writes there until the kernel says that the quota is used up."""
    said = container.exec("dd", "if=/dev/urandom", f"of={folder}/filler", "bs=64k", check=False)
    assert said.returncode != 0 and FULL in said.stderr, said.stderr
    # Down to the last page.
    container.exec("sh", "-c", f"while echo x >>{folder}/filler; do :; done; sync", check=False)


@pytest.mark.parametrize("folder, limit", [("/", None), ("/var/lib/go-id", "state"), ("/var/log/go-id", "log")])
def test_a_quota_is_enforced(quota, folder, limit):
    if limit is None:
        lxd.lxc("config", "device", "set", NAME, "root", "size=96MiB")
    else:
        lxd.volume_size(f"{NAME}-{limit}", "16MiB")
    said = quota.exec("dd", "if=/dev/urandom", f"of={folder}/filler", "bs=1M", "count=256", check=False)
    quota.exec("rm", f"{folder}/filler")
    assert said.returncode != 0 and FULL in said.stderr
    lxd.wait_until(lambda: quota.exec("touch", f"{folder}/room", check=False).returncode == 0, "room again")
    quota.exec("rm", f"{folder}/room")
    quota.wait_healthy()


def test_a_full_state_volume_means_503_and_then_recovery(quota):
    lxd.volume_size(f"{NAME}-state", "16MiB")
    before = quota.generate()
    pid = quota.pid()
    fill(quota, "/var/lib/go-id")
    ids = []

    def refused():
        status, body = quota.get("/generate")
        if status == 200:
            ids.append(json.loads(body)["id"])  # up to the mark, which is on the disk already
        return status == 503 and json.loads(body)
    problem = lxd.wait_until(refused, "503")
    assert problem["status"] == 503
    assert quota.get("/health")[0] == 503
    quota.exec("rm", "/var/lib/go-id/filler")
    quota.wait_healthy()
    ids.append(quota.generate())
    assert quota.pid() == pid, "it recovers by itself"
    assert all(earlier < later for earlier, later in zip([before, *ids], ids))


def test_a_full_log_volume_does_not_matter(quota):
    lxd.volume_size(f"{NAME}-log", "16MiB")
    fill(quota, "/var/log/go-id")
    for _ in range(3):
        before = quota.generate()
        quota.exec("systemctl", "restart", "go-id")
        quota.wait_healthy()
        assert quota.generate() > before
    quota.exec("rm", "/var/log/go-id/filler")
