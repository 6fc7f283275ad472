"""What scripts/install_packages.sh installs for the container, on Debian and on Ubuntu, with stand-ins for both."""

import shutil
import subprocess

import pytest

import world as worlds

SAYS_SO = '#!/bin/bash\necho "${0##*/} $*" >>"$DONE"\n'
NOTHING = ""
OS = {"debian": 'ID=debian\nVERSION_CODENAME=bookworm\n', "ubuntu": 'ID=ubuntu\nID_LIKE=debian\n'}


def install(folder, system, *, has=NOTHING, commands=()):
    """Installs the container's group on such a system, which has these packages and commands; returns what was done."""
    tools = folder / "bin"
    tools.mkdir()
    for tool in ("bash", "env", "grep"):
        (tools / tool).symlink_to(shutil.which(tool))
    scripts = {"sudo": '#!/bin/bash\nexec "$@"\n', "apt-get": SAYS_SO, "snap": SAYS_SO,
               "dpkg-query": f'#!/bin/bash\n[[ " {has} " != *" ${{!#}} "* ]] || echo -n installed\n',
               **{command: SAYS_SO for command in commands}}
    for name, text in scripts.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (folder / "os-release").write_text(OS[system])
    (folder / "done").touch()
    subprocess.run([worlds.PROJECT / "scripts/install_packages.sh", "container"], check=True, capture_output=True,
                   env={"PATH": str(tools), "DONE": str(folder / "done"), "OS_RELEASE": str(folder / "os-release")})
    done = (folder / "done").read_text().splitlines()
    return [line.split("--no-install-recommends ")[-1] for line in done if not line.endswith(" update")]


IMAGE = "mmdebstrap debian-archive-keyring xz-utils tar binutils util-linux"
LXD = "lxd lxd-client dnsmasq-base nftables uidmap"
OTHERS = "btrfs-progs curl iproute2"


def test_debian_has_lxd_as_packages(tmp_path):
    assert install(tmp_path, "debian") == [f"{IMAGE} {LXD} {OTHERS}"]


def test_ubuntu_has_lxd_as_a_snap(tmp_path):
    """And Debian's keys, for the packages in the container, are in a package of their own there."""
    assert install(tmp_path, "ubuntu") == [f"{IMAGE} snapd {OTHERS}", "snap install lxd"]
    (tmp_path / "again").mkdir()
    assert install(tmp_path / "again", "ubuntu", has=f"{IMAGE} snapd {OTHERS}") == ["snap install lxd"]


@pytest.mark.parametrize("system", OS)
@pytest.mark.parametrize("command", ["incus", "lxc"])
def test_a_manager_that_is_there_is_taken(tmp_path, system, command):
    assert install(tmp_path, system, commands=[command]) == [f"{IMAGE} {OTHERS}"]


def test_debians_lxd_is_completed(tmp_path):
    assert install(tmp_path, "debian", has="lxd lxd-client", commands=["lxc"]) == [
        f"{IMAGE} dnsmasq-base nftables uidmap {OTHERS}"]


def test_where_all_is_there_nothing_is_done(tmp_path):
    assert not install(tmp_path, "debian", has=f"{IMAGE} {LXD} {OTHERS}", commands=["lxc"])
