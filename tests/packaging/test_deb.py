"""The Debian packages: what is in them, what lintian says, and a life with dpkg."""

import re
import subprocess

import pytest

# Starts the service as its unit would, but for the sandboxing; takes ids; ends it as a crash does.
SERVE = """
set -e
mkdir -p /var/lib/go-id /var/log/go-id /run/lock/go-id
chown go-id:go-id /var/lib/go-id /var/log/go-id /run/lock/go-id
mkfifo /run/ready
setpriv --reuid=go-id --regid=go-id --clear-groups \
    go-id serve --config /etc/go-id/go-id.conf --listen unix:/var/lib/go-id/socket --ready-fd 3 \
    3>/run/ready 2>/dev/null &
cat /run/ready
rm /run/ready
kill -KILL $!
wait $! || true
"""


def contents(path):
    """The modes and owners of a package's files, by their names."""
    listing = subprocess.run(["dpkg-deb", "-c", path], check=True, capture_output=True, text=True)
    lines = [line.split(None, 5) for line in listing.stdout.splitlines()]
    return {fields[5].split(" -> ")[0][1:]: (fields[0], fields[1]) for fields in lines}


def field(path, name):
    return subprocess.run(["dpkg-deb", "-f", path, name], check=True, capture_output=True,
                          text=True).stdout.strip()


def dpkg(sandbox, *arguments):
    """Without waiting for a disk: what is installed here is gone soon."""
    return sandbox.run("dpkg", "--force-unsafe-io", *arguments)


def state(sandbox):
    """What the service remembers."""
    return sandbox.run("cat", "/var/lib/go-id/go-id.state")


def test_there_are_three_packages(packages):
    assert set(packages) == {"go-id", "libsonyflake1", "libsonyflake-dev"}


def test_the_service_package_holds_what_a_service_needs(packages):
    files = contents(packages["go-id"])
    for name in ("/usr/bin/go-id", "/usr/lib/systemd/system/go-id.service",
                 "/usr/lib/systemd/system/go-id@.service",
                 "/usr/lib/systemd/system/go-id.socket", "/usr/lib/sysusers.d/go-id.conf",
                 "/usr/share/man/man1/go-id.1.gz", "/etc/go-id/go-id.conf", "/etc/logrotate.d/go-id",
                 "/usr/share/man/man5/go-id.conf.5.gz",
                 "/usr/share/bash-completion/completions/go-id",
                 "/usr/share/zsh/vendor-completions/_go-id",
                 "/usr/share/fish/vendor_completions.d/go-id.fish",
                 "/usr/share/doc/go-id/copyright", "/usr/share/doc/go-id/changelog.gz"):
        assert name in files, name
    for name, (mode, owner) in files.items():
        assert owner == "root/root", name
        assert mode in ("drwxr-xr-x", "-rwxr-xr-x" if name == "/usr/bin/go-id" else "-rw-r--r--")
    assert not [name for name in files if name.startswith(("/var", "/run", "/usr/local"))]


def test_the_library_comes_with_its_manual(packages):
    files = contents(packages["libsonyflake-dev"])
    assert files["/usr/share/man/man3/sonyflake.3.gz"] == ("-rw-r--r--", "root/root")
    assert files["/usr/share/man/man3/sonyflake_take.3.gz"][0] == "lrwxrwxrwx"


def test_it_depends_on_libc_and_what_makes_users(packages):
    depends = {item.split()[0] for item in field(packages["go-id"], "Depends").split(", ")}
    assert depends == {"adduser", "libc6"}


def test_lintian_finds_no_error(packages):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *packages.values()],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "E:" not in done.stdout


def later(path, directory):
    """The same package with a higher version."""
    tree, result = directory / "tree", directory / "later.deb"
    subprocess.run(["dpkg-deb", "-R", path, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("^Version: .*$", "Version: 99-1", control.read_text(), flags=re.M))
    subprocess.run(["dpkg-deb", "-b", tree, result], check=True, stdout=subprocess.DEVNULL)
    return result


def test_install_upgrade_remove_purge(packages, sandbox, tmp_path):
    """The mark outlives an upgrade and a removal, and goes with a purge."""
    first = sandbox.copy_in(packages["go-id"], "/tmp/first.deb")
    second = sandbox.copy_in(later(packages["go-id"], tmp_path), "/tmp/second.deb")
    dpkg(sandbox, "-i", first)
    assert re.match("go-id:[^:]*:[0-9]+:[0-9]+:.*:/var/lib/go-id:/usr/sbin/nologin$",
                    sandbox.run("getent", "passwd", "go-id").strip())
    wanted = "/etc/systemd/system/multi-user.target.wants/go-id.service"
    assert "go-id.service" in sandbox.run("readlink", wanted)
    assert not sandbox.exists("/etc/systemd/system/sockets.target.wants/go-id.socket")

    sandbox.run("sh", "-c", SERVE)
    before = state(sandbox)
    assert "mark" in before
    assert "event=ready" in sandbox.run("cat", "/var/log/go-id/service.log")
    sandbox.run("sh", "-c", "echo SHARD_ID=7 >>/etc/go-id/go-id.conf")

    dpkg(sandbox, "--force-confdef", "-i", second)
    assert state(sandbox) == before
    assert "SHARD_ID=7" in sandbox.run("cat", "/etc/go-id/go-id.conf").splitlines()
    assert "99-1" in sandbox.run("dpkg-query", "-W", "go-id")

    dpkg(sandbox, "-r", "go-id")
    assert state(sandbox) == before
    assert sandbox.exists("/etc/go-id/go-id.conf")
    assert not sandbox.exists("/usr/bin/go-id")

    dpkg(sandbox, "-i", first)  # and back again, with everything that was left
    assert state(sandbox) == before
    dpkg(sandbox, "-P", "go-id")
    for path in ("/var/lib/go-id", "/var/log/go-id", "/etc/go-id", wanted, "/usr/bin/go-id"):
        assert not sandbox.exists(path), path


def test_the_library_installs(packages, sandbox):
    dpkg(sandbox, "-i", *(sandbox.copy_in(packages[name], f"/tmp/{name}.deb")
                          for name in ("libsonyflake1", "libsonyflake-dev")))
    assert "-lsonyflake" in sandbox.run("pkg-config", "--libs", "sonyflake")
    assert "libsonyflake.so.1" in sandbox.run("ldconfig", "-p")


def test_logrotate_takes_its_file(packages, sandbox):
    """Where logrotate is not installed, this says nothing about it."""
    if not sandbox.exists("/usr/sbin/logrotate"):
        pytest.skip("logrotate is not installed")
    dpkg(sandbox, "-i", sandbox.copy_in(packages["go-id"], "/tmp/go-id.deb"))
    said = sandbox.run("logrotate", "-d", "/etc/logrotate.d/go-id")
    assert "error" not in said, said
    assert "/var/log/go-id/service.log" in said
