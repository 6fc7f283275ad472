"""What survives a restart, and `go-id state`, which looks at it and changes it.

The faults that it has to survive are in tests/faults; here is what an operator sees and does.
"""

import contextlib
import os
import re
import signal
import stat
import subprocess
import zlib

import pytest

import ids
from harness import DEADLINE_S, GO_ID, SLOW, daemon, run_to_end, wait_until
from http_client import expect_problem, get

OTHER_START = {"START_TIME": "2010-01-01T00:00:00Z"}  # earlier: ids get larger
LATER_START = {"START_TIME": "2020-01-01T00:00:00Z"}  # ids would get smaller, for years


@pytest.fixture(name="env")
def fixture_env(directory):
    return {"STATE_DIRECTORY": directory, "LOCK_DIRECTORY": directory, "INSTANCE_NAME": "first"}


def one_id(server):
    return get(server.address, "/generate").json()["id"]


def serve_once(env):
    """Starts, takes an id, stops; returns the id."""
    with daemon(env=env) as server:
        return one_id(server)


def marks_moved(server):
    return get(server.address, "/ready").json()["conditions"]["mark"]["writes"]


def state(action, *options, env):
    return run_to_end(["state", action, *options], env=env)


def refused(env):
    """The log line of a daemon that does not start."""
    done = run_to_end(["serve", "--listen", "127.0.0.1:0"], env=env)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "event=start_refused" in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def shown(env, status=0):
    """What `go-id state show` prints, by its first words."""
    done = state("show", env=env)
    assert (done.returncode, done.stderr) == (status, "")
    return dict(re.match(r"(.{16}) (.*)", line).groups() for line in done.stdout.splitlines())


def row(rows, name):
    return rows[name.ljust(16)]


# ---- The directory -------------------------------------------------------------------------------


def test_a_restart_goes_on_behind_the_last_id(env):
    before = [serve_once(env) for _ in range(5)]
    assert ids.is_increasing(before)


def test_nothing_but_the_state_and_the_locks_is_left_behind(env, directory):
    serve_once(env)
    names = sorted(os.listdir(directory))
    assert names == ["go-id.lock", "go-id.state", "machine_ids"]
    assert stat.S_IMODE((directory / "go-id.state").stat().st_mode) == 0o640


def test_nothing_is_written_while_nobody_asks_for_ids(env, directory):
    with daemon(env={**env, "MARK_WINDOW": "100ms"}) as server:
        wait_until(lambda: get(server.address, "/ready").json()["conditions"]["mark"]["ahead_ms"] < 0,
                   "the clock passing the mark")
        before = (directory / "go-id.state").stat().st_mtime_ns
        for _ in range(3):
            assert get(server.address, "/health").body == b"OK"
        assert (directory / "go-id.state").stat().st_mtime_ns == before
        one_id(server)  # waits for the mark, and comes
        assert (directory / "go-id.state").stat().st_mtime_ns > before


def test_min_id_is_a_floor_and_what_was_issued_above_it_is_remembered(env):
    first = serve_once(env)
    floor = first + (50 << 24)  # half a second ahead
    above = serve_once({**env, "MIN_ID": floor})
    assert above > floor
    assert serve_once(env) > above


def test_a_min_id_that_was_a_mistake_can_be_taken_back(env):
    with daemon(env={**env, "MIN_ID": 2**62}) as server:
        assert get(server.address, "/generate").status == 503
        assert "MIN_ID" in server.log()
    assert serve_once(env)


def test_a_min_id_far_ahead_gets_503_and_a_reason(env):
    with daemon(env={**env, "MIN_ID": 2**62}) as server:
        response = get(server.address, "/generate")
        assert response.status == 503
        assert int(response.headers["retry-after"]) > 3600
        assert re.match(r"MIN_ID is \d+ ms ahead of the clock, and MAX_CLOCK_LEAD is 10000 ms",
                        response.json()["detail"])
        assert get(server.address, "/health").status == 503
        assert not get(server.address, "/ready").json()["ready"]


@pytest.mark.parametrize("last", [2**63 - 1, 2**63 - 2**16 + 1])
def test_a_min_id_that_leaves_no_id_is_told_everywhere_in_the_same_words(env, last):
    """SHARD_ID is 1: above the second there is no id either.  With a lower one ids go on."""
    first = serve_once(env)
    words = "there is no id above MIN_ID: set a lower one, or none, and restart"
    with daemon(env={**env, "MIN_ID": last}) as server:
        assert f'reason="{words}"' in server.log()
        for _ in range(2):  # the time goes on, and nothing changes
            assert expect_problem(get(server.address, "/generate"), 503) == words
            assert expect_problem(get(server.address, "/health"), 503) == words
            ready = get(server.address, "/ready").json()
            assert (ready["reason"], ready["conditions"]["lifetime"]["condition"]) == (words, "failed")
            assert {name for name, value in ready["conditions"].items()
                    if value["condition"] != "ok"} == {"lifetime"}
            page = get(server.address, "/status").body.decode()
            assert f"No ids: {words}." in page and "No id is left." in page and "another" not in page
    assert serve_once({**env, "MIN_ID": first}) > first


def test_a_state_in_memory_is_pointed_out(env, tmp_path):
    assert tmp_path  # the other folder is on a disk, or the warning is there as well
    path = "/dev/shm"
    if not os.access(path, os.W_OK):
        pytest.skip(f"{path} is not there to be tried")
    own = os.path.join(path, f"go-id-{os.getpid()}")
    os.mkdir(own)
    try:
        with daemon(env={**env, "STATE_DIRECTORY": own}) as server:
            assert "event=state_directory_volatile" in server.log()
    finally:
        for name in os.listdir(own):
            os.unlink(os.path.join(own, name))
        os.rmdir(own)


def test_machine_ids_that_are_not_those_of_last_time_are_pointed_out(env):
    """A container's restore takes SHARD_ID back, and another may have it by now."""
    def warnings(shards):
        with daemon(env={**env, "SHARD_ID": shards}) as server:
            return [line for line in server.log().splitlines() if "machine_ids_changed" in line]

    assert warnings("7") == []
    assert warnings("7") == []
    [line] = warnings("64-127")
    assert " level=warn " in line and " before=7-7 now=64-127 " in line
    assert warnings("64-127") == []


def test_ready_and_state_show_agree_on_the_mark(env):
    with daemon(env=env) as server:
        one_id(server)
        mark = get(server.address, "/ready").json()["conditions"]["mark"]
        rows = shown(env)
        assert row(rows, "mark").startswith(mark["time"])
        assert row(rows, "owner") == f"process {server.pid}"
        assert row(rows, "a start").startswith("is refused while the owner runs; then it goes on: ")
        assert row(rows, "clock") == "believed"


# ---- go-id state show ----------------------------------------------------------------------------


def test_show_says_what_is_pinned_and_what_a_start_would_do(env, directory):
    serve_once({**env, "SHARD_ID": "7-9"})
    rows = shown({**env, "SHARD_ID": "7-9"})
    assert row(rows, "directory") == str(directory)
    assert row(rows, "owner") == "nobody"
    assert row(rows, "machine ids") == "7-9"
    assert row(rows, "instance") == "first"
    assert row(rows, "start time") == "2014-09-01T00:00:00.000Z"
    assert row(rows, "a start").startswith("goes on: ")


def test_show_changes_nothing(env, directory):
    serve_once(env)
    before = {name: (directory / name).read_bytes() for name in os.listdir(directory)}
    shown(env)
    assert {name: (directory / name).read_bytes() for name in os.listdir(directory)} == before


def test_show_of_an_empty_folder_says_that_a_start_would_begin_anew(env, directory):
    assert row(shown(env), "a start").startswith("goes on: ")
    assert os.listdir(directory) == []


def test_show_tells_of_a_missing_folder_and_a_damaged_file(env, directory):
    done = state("show", env={**env, "STATE_DIRECTORY": directory / "none"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "ENOENT" in done.stderr
    (directory / "go-id.state").write_text("hello\n")
    done = state("show", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a state file of go-id" in done.stderr


# ---- go-id state adopt ---------------------------------------------------------------------------


def test_adopt_takes_over_another_instance_behind_all_it_can_have_issued(env):
    before = serve_once(env)
    clone = {**env, "INSTANCE_NAME": "second"}
    assert "first" in refused(clone)
    assert row(shown(clone, status=1), "a start").startswith("is refused: ")

    done = state("adopt", env=clone)
    assert (done.returncode, done.stderr) == (0, "")
    assert "first" in done.stdout and "second" in done.stdout
    after = serve_once(clone)
    assert after > before
    assert ids.tick_of(after) - ids.tick_of(before) >= 1000  # MAX_CLOCK_LEAD: 10 s
    assert "second" in refused(env)  # it belongs to the other one now


def test_adopt_without_a_reason_changes_nothing(env, directory):
    serve_once(env)
    before = (directory / "go-id.state").read_bytes()
    done = state("adopt", env=env)
    assert done.returncode == 0
    assert "nothing to adopt" in done.stdout
    assert (directory / "go-id.state").read_bytes() == before


@pytest.mark.parametrize("action,changed", [("adopt", {"INSTANCE_NAME": "second"}),
                                            ("migrate", OTHER_START)])
def test_a_directory_in_use_is_left_alone(env, directory, action, changed):
    with daemon(env=env) as server:
        before = (directory / "go-id.state").read_bytes()
        done = state(action, env={**env, **changed})
        assert done.returncode == 1
        assert str(server.pid) in done.stderr
        assert (directory / "go-id.state").read_bytes() == before


# ---- go-id state migrate -------------------------------------------------------------------------


def test_migrate_goes_on_above_the_floor_that_it_prints(env):
    before = serve_once(env)
    changed = {**env, **OTHER_START}
    line = refused(changed)
    assert "go-id state migrate" in line and "STATE_DIRECTORY" in line

    done = state("migrate", env=changed)
    assert (done.returncode, done.stderr) == (0, "")
    floor = int(re.search(r"floor is (\d+)", done.stdout).group(1))
    assert floor >= before
    assert serve_once(changed) > floor
    assert "start time" in refused(env).lower().replace("start_time", "start time")


def test_a_migration_that_was_a_mistake_can_be_taken_back(env):
    before = serve_once(env)
    mistake = {**env, "START_TIME": "1974-01-01T00:00:00Z"}
    assert state("migrate", env=mistake).returncode == 0
    done = state("migrate", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert serve_once(env) > before


def test_migrate_of_an_old_copy_knows_that_ids_went_on(env, directory):
    """The record says that nothing was issued for half a year; it may be a copy of then."""
    serve_once(env)
    path = directory / "go-id.state"
    content = path.read_text().rpartition("checksum=")[0]
    old_ns = (ids.now_ms() - 180 * 86_400_000) // 10 * 10_000_000
    content = re.sub(r"mark=\d+", f"mark={old_ns}", re.sub(r"floor=\d+", "floor=0", content))
    path.write_text(f"{content}checksum={zlib.crc32(content.encode()):08x}\n")

    done = state("migrate", env={**env, "START_TIME": "2014-12-01T00:00:00Z"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "there could be none until then" in done.stderr


def test_migrate_refuses_what_would_stop_ids_for_years(env, directory):
    serve_once(env)
    before = (directory / "go-id.state").read_bytes()
    done = state("migrate", env={**env, **LATER_START})
    assert (done.returncode, done.stdout) == (1, "")
    assert "there could be none until then" in done.stderr
    assert (directory / "go-id.state").read_bytes() == before
    assert serve_once(env)


@pytest.mark.skipif(SLOW, reason="a sanitizer's leak check does not work under strace")
def test_ids_that_were_issued_while_it_looked_are_not_forgotten(env, directory):
    log = directory / "strace"
    with daemon(env={**env, "MARK_WINDOW": "100ms"}) as server:
        one_id(server)
        # Held up right after it has read the record, before it locks.
        command = ["strace", "-f", "-o", log, "-P", directory / "go-id.state", "-e", "trace=read",
                   "-e", "inject=read:signal=SIGSTOP:when=1", GO_ID, "state", "migrate"]
        migration = subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", **env, **OTHER_START},
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                     start_new_session=True)
        try:
            stopped = wait_until(lambda: re.search(r"^(\d+) +--- stopped by SIGSTOP",
                                                   log.read_text() if log.exists() else "",
                                                   re.MULTILINE), "its being held up")
            goal = marks_moved(server) + 5
            wait_until(lambda: one_id(server) and marks_moved(server) >= goal,
                       "ids past the mark that it has read")
            last = one_id(server)
            assert server.stop() == 0
            os.kill(int(stopped.group(1)), signal.SIGCONT)
            said, _ = migration.communicate(timeout=DEADLINE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):  # both have ended
                os.killpg(migration.pid, signal.SIGKILL)  # a stopped child would outlive strace
            migration.wait()
    floor = re.search(r"floor is (\d+)", said)
    assert floor is not None, said
    assert int(floor.group(1)) >= last


# ---- go-id state accept-clock --------------------------------------------------------------------


def test_there_is_nothing_to_accept_of_a_clock_that_is_believed(env):
    with daemon(env=env) as server:
        one_id(server)
        done = state("accept-clock", "--yes", env=env)
        assert done.returncode == 0
        assert "nothing to accept" in done.stdout


def test_the_signal_behind_it_does_no_harm(env):
    with daemon(env=env) as server:
        before = one_id(server)
        server.send_signal(signal.SIGUSR1)
        wait_until(lambda: "event=clock_accepted by_ms=0" in server.log(), "the signal's log line")
        assert one_id(server) > before


# ---- The command line ----------------------------------------------------------------------------


@pytest.mark.parametrize("args,message", [
    ([], "say what to do"),
    (["shwo"], "did you mean 'show'?"),
    (["frob"], 'there is no action "frob"\n'),
    (["show", "me"], "unexpected argument 'me'"),
    (["--nope"], "unrecognized option"),
])
def test_wrong_arguments_are_refused(args, message):
    done = run_to_end(["state", *args])
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
