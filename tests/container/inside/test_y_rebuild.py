"""Building again: nothing to do, the same bytes, and a replaced container that keeps its state.
After the tests of the container that is replaced."""

import glob
import hashlib
import pathlib

import lxd

BUILD_DEADLINE_S = 900


def image_hash():
    (path,) = glob.glob(str(lxd.REPOSITORY / "out/image/go-id-*.tar.xz"))
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_built_again_there_is_nothing_to_do(go_id):
    pid = go_id.pid()
    said = lxd.sh(f"cd {lxd.REPOSITORY} && ./startDefault.sh", timeout=BUILD_DEADLINE_S).stdout
    assert "curl http://localhost:7001/generate" in said
    assert "✓ storage pool" in said  # what LXD says of it is what was asked for
    assert go_id.pid() == pid


def test_a_rebuild_keeps_the_state_and_gives_the_same_image(go_id):
    """It packs the image anew, from the sources: bit for bit the same, though this clone was made under umask 077."""
    image = image_hash()
    created = lxd.query(f"/1.0/instances/{go_id.name}")["created_at"]
    go_id.exec("touch", "/root/of-the-old-one", "/var/lib/go-id/of-the-state")
    last = go_id.generate()
    lay_over = lxd.REPOSITORY / "container/files"
    lxd.sh(f"chmod -R go= {lay_over} && umask 077 && cd {lxd.REPOSITORY} && ./startDefault.sh --rebuild; "
           f"status=$?; chmod -R go=u-w {lay_over}; exit $status", timeout=BUILD_DEADLINE_S)
    go_id.wait_booted()
    go_id.wait_healthy()
    assert go_id.generate() > last
    assert lxd.query(f"/1.0/instances/{go_id.name}")["created_at"] != created
    assert image_hash() == image
    assert go_id.exec("test", "-e", "/root/of-the-old-one", check=False).returncode != 0
    go_id.exec("rm", "/var/lib/go-id/of-the-state")
