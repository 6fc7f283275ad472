"""A private LXD for the whole run, and the container that ./startDefault.sh makes in it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

if "GO_ID_E2E" not in os.environ or b"namespace.sh" not in pathlib.Path("/proc/1/cmdline").read_bytes():
    pytest.exit("scripts/e2e.sh runs these, in namespaces of their own", returncode=2)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "docs"))  # what reads the documents

import lxd  # noqa: E402 (needs GO_ID_E2E)

BUILD_DEADLINE_S = 900  # compiles the release and packs the image: a minute, if nothing else runs
MEASURED = pytest.StashKey()
TOLD = pytest.StashKey()


def pytest_configure(config):
    config.stash[MEASURED] = {}
    config.stash[TOLD] = set()


@pytest.fixture(name="manager", scope="session", autouse=True)
def fixture_manager():
    """An LXD of this run's own, with nothing in it, for lxc to talk to."""
    folder = lxd.WORK / "lxd"
    folder.mkdir(mode=0o711)
    os.environ["LXD_DIR"] = str(folder)
    with open(lxd.WORK / "lxd.out", "wb") as said:
        daemon = subprocess.Popen(["lxd", "--group", "root", f"--logfile={lxd.WORK}/lxd.log"],
                                  stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        subprocess.run(["lxd", "waitready", f"--timeout={lxd.DEADLINE_S}"], check=True)
        yield daemon
        subprocess.run(["lxd", "shutdown", f"--timeout={lxd.DEADLINE_S}"], check=True)
        daemon.wait(lxd.DEADLINE_S)
    except BaseException:
        lxd.report()
        raise
    finally:
        daemon.kill()  # does nothing once it has been waited for
        daemon.wait()


@pytest.fixture(name="built", scope="session")
def fixture_built(manager):
    """What ./startDefault.sh printed."""
    assert manager.poll() is None
    result = lxd.sh(f"cd {lxd.REPOSITORY} && ./startDefault.sh", check=False,
                    timeout=BUILD_DEADLINE_S)
    if result.returncode != 0:
        pytest.exit(f"./startDefault.sh failed:\n{result.stdout}{result.stderr}", returncode=1)
    return result.stdout


@pytest.fixture(name="scheduled", scope="session")
def fixture_scheduled(built):
    """A container whose root is snapshotted every minute, from early on, so that nobody waits for it."""
    assert built
    with lxd.instance("go-id-scheduled", 7100, {
            "environment.SHARD_ID": 60, "snapshots.schedule": "* * * * *",
            "snapshots.pattern": "auto-%d", "snapshots.expiry": "1H"}) as made:
        yield made


@pytest.fixture(name="first", scope="session")
def fixture_first(scheduled):
    """go-id-v1, as startDefault.sh has left it."""
    assert scheduled
    return lxd.Container(lxd.FIRST, lxd.FIRST_PORT)


@pytest.fixture(name="go_id")
def fixture_go_id(first):
    """go-id-v1, running and well, before the test and after it."""
    if first.state()["status"] == "Stopped":  # one test has failed: not all that follow have to
        first.start()
    yield first
    first.wait_booted()
    first.wait_healthy()


@pytest.fixture(name="measured", scope="session")
def fixture_measured(pytestconfig):
    """Figures for docs/operations.md: measured[name] = number."""
    return pytestconfig.stash[MEASURED]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Journals and logs while they are still there."""
    outcome = yield
    if outcome.get_result().failed:
        told = item.config.stash[TOLD]
        if str(call.excinfo.value) not in told:  # a fixture of many tests fails for each of them
            told.add(str(call.excinfo.value))
            lxd.report()


def pytest_sessionfinish(session):
    measured = session.config.stash[MEASURED]
    if measured:
        path = lxd.REPOSITORY / "out" / "container" / "measured.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n")


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("measured")
    for name, value in sorted(config.stash[MEASURED].items()):
        terminalreporter.write_line(f"{name:36} {value}")
