"""go-id generate, against the daemon, and against servers that say what they are told to."""

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import signal
import socket
import struct
import subprocess
import termios
import threading

import pytest

import harness
from harness import DEADLINE_S, daemon, run_to_end, scaled, wait_until
from ids import compose, from_binary, machine_id_of, tick_now

INFO = json.dumps({"version": "1.0.0", "start_time": "2014-09-01T00:00:00.000Z",
                   "limits": {"max_batch": 100, "max_wait_ms": 0}}, separators=(",", ":")).encode()
FIRST = 647384502137520129  # 18 digits, as all behind it that a test gets to see


def generate(*args, **options):
    return run_to_end(["generate", *args], **options)


def ids_of(done):
    return [int(line) for line in done.stdout.splitlines()]


def expect_unique_and_rising(ids):
    assert all(a < b for a, b in zip(ids, ids[1:]))


@pytest.fixture(name="url")
def fixture_url(server):
    return "http://{}:{}".format(*server.address)


@contextlib.contextmanager
def started(*args, env=None, **pipes):
    """A `go-id generate` that is still running; killed at the end if it has to be."""
    command = [harness.GO_ID, "generate", *args]
    base = {"PATH": os.environ["PATH"], **{name: value for name, value in os.environ.items()
                                           if name.endswith("SAN_OPTIONS")}}
    with subprocess.Popen(command, env={**base, **(env or {})}, stdin=subprocess.DEVNULL,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}) as one:
        try:
            yield one
        finally:
            one.kill()


# ---- A server that says what it is told to -------------------------------------------------------


def answer(status, body, *fields):
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(head).encode() + body


def some_ids(count, first=FIRST):
    return b"".join(struct.pack(">Q", first + i) for i in range(count))


class Script:
    """Serves one client after another; handle(target, how many were asked before) says what."""

    CLOSE = object()

    def __init__(self, handle):
        self.handle = handle
        self.targets = []
        self.heads = []
        self.clients = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients += 1
            with client, contextlib.suppress(ConnectionError):
                client.settimeout(DEADLINE_S)
                self.serve_client(client)

    def serve_client(self, client):
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                piece = client.recv(4096)
                if not piece:
                    return
                pending += piece
            head, _, pending = pending.partition(b"\r\n\r\n")
            target = head.split(b" ")[1].decode()
            said = self.handle(target, self.targets.count(target))
            self.heads.append(head.decode())
            self.targets.append(target)
            for part in said if isinstance(said, list) else [said]:
                if part is self.CLOSE:
                    return
                client.sendall(part)


def count_of(target):
    return int(re.search(r"count=([0-9]+)", target)[1])


def well_behaved(target, _asked):
    return answer(200, INFO if target == "/info" else some_ids(count_of(target)))


# ---- The daemon ----------------------------------------------------------------------------------


def test_one_id_is_printed(server, url):
    done = generate("--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch("[0-9]+\n", done.stdout)


@pytest.mark.parametrize("env", [{"SHARD_ID": "64-127"}, {"SHARD_ID": "64-127", "MAX_BATCH": 7}])
def test_many_come_in_batches(env):
    count = scaled(1000)
    with daemon(env=env) as server:
        done = generate("-n", str(count), "-u", "http://{}:{}".format(*server.address))
    assert (done.returncode, done.stderr) == (0, "")
    ids = ids_of(done)
    assert len(ids) == count
    expect_unique_and_rising(ids)
    assert {machine_id_of(value) for value in ids} <= set(range(64, 128))


def test_a_whole_batch_and_one_id_more():
    with daemon(env={"SHARD_ID": "0-255"}) as server:
        done = generate("-n", "10001", "-u", "http://{}:{}".format(*server.address))
    assert done.returncode == 0
    assert len(set(ids_of(done))) == 10001


@pytest.mark.parametrize("name", ["json", "string"])
def test_json_is_what_the_service_answers(name):
    with daemon(env={"START_TIME": "2020-01-01T00:00:00.015Z"}) as server:
        url = "http://{}:{}".format(*server.address)
        done = generate("-n", "3", "--format", name, "-u", url)
        assert (done.returncode, done.stderr) == (0, "")
        for line in done.stdout.splitlines():
            said = json.loads(line)
            assert isinstance(said["id"], str if name == "string" else int)
            assert line == json.dumps(said, separators=(",", ":"))
            decoded = run_to_end(["decode", "--json", "--start-time", "2020-01-01T00:00:00.015Z",
                                  str(said["id"])])
            assert json.loads(decoded.stdout)["unix_ms"] // 1000 == said["timestamp"]


def test_binary_is_eight_bytes_each(url):
    done = subprocess.run([harness.GO_ID, "generate", "-n", "500", "-f", "binary", "-u", url],
                          capture_output=True, check=True, timeout=DEADLINE_S)
    assert len(done.stdout) == 4000
    expect_unique_and_rising(list(from_binary(done.stdout)))


def test_where_to_ask_comes_from_option_environment_and_settings(server, url):
    port = server.address[1]
    nobody = "http://127.0.0.1:1"
    assert generate(env={"GO_ID_URL": url}).returncode == 0
    assert generate("-u", url, env={"GO_ID_URL": nobody}).returncode == 0
    assert generate(env={"SERVICE_PORT": port}).returncode == 0
    assert generate(env={"SERVICE_PORT": port, "GO_ID_URL": ""}).returncode == 0
    assert generate(config=f"SERVICE_PORT={port}\n").returncode == 0
    assert generate(env={"SERVICE_PORT": port, "GO_ID_URL": nobody}).returncode == 1
    assert generate(env={"SERVICE_PORT": "0"}).returncode == 2


def test_a_unix_socket_and_a_path_can_be_asked(directory):
    with daemon(listen=[f"unix:{directory}/socket"]):
        assert len(ids_of(generate("-n", "300", "-u", f"unix:{directory}/socket"))) == 300
    with Script(lambda target, asked: well_behaved(target.removeprefix("/ids"), asked)) as script:
        assert generate("-u", script.url + "/ids/").returncode == 0
        assert script.targets == ["/ids/info", "/ids/generate?count=1&format=binary"]


@pytest.fixture(name="closed", scope="module")
def fixture_closed(tmp_path_factory):
    """A service that asks for a token, and the file of its tokens."""
    path = tmp_path_factory.mktemp("closed") / "tokens"
    path.touch(mode=0o600)
    path.write_text("# the first one is the present one\n\na-token-of-this-test\nan-older-token-1\n")
    with daemon(env={"AUTH_TOKEN_FILE": path}) as server:
        yield "http://{}:{}".format(*server.address), server.address[1], path


def test_a_token_is_shown(closed):
    url, port, path = closed
    assert generate("-u", url, "--token-file", str(path)).returncode == 0
    assert generate("-u", url, env={"GO_ID_TOKEN": "an-older-token-1"}).returncode == 0
    assert generate(env={"SERVICE_PORT": port, "AUTH_TOKEN_FILE": path}).returncode == 0
    assert run_to_end(["health", url]).returncode == 0
    assert "status 401" in run_to_end(["health", url + "/ready"]).stderr
    assert "status 200" in run_to_end(["health", "-k", str(path), url + "/ready"]).stderr


def test_without_a_token_it_says_how_to_give_one(closed):
    url, _, path = closed
    for env in ({}, {"GO_ID_TOKEN": "a-wrong-token-of-nobody"}, {"AUTH_TOKEN_FILE": path}):
        done = generate("-u", url, env=env)  # the settings' file is for the own service only
        assert (done.returncode, done.stdout) == (1, "")
        assert "status 401" in done.stderr
        assert "give a token with --token-file, or in GO_ID_TOKEN" in done.stderr
        assert done.stderr.endswith("go-id generate: no id was printed\n")


@pytest.mark.parametrize("content", ["", "# nothing\n\n", "two words\n", "x" * 600, "caf\xe9\n"])
def test_a_file_without_a_token_is_named(directory, content):
    path = directory / "token"
    path.write_text(content, encoding="latin-1")
    done = generate("-k", str(path), "-u", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"go-id generate: {path}: there is no token in it; put one on a line of "
                           "its own\n")


def test_a_file_that_cannot_be_read_is_named(directory):
    done = generate("-k", f"{directory}/none", "-u", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert "cannot read it: ENOENT; name a file that you may read" in done.stderr


def test_a_token_that_would_change_the_request_is_refused():
    done = generate("-u", "http://127.0.0.1:1", env={"GO_ID_TOKEN": "a\r\nX: y"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "GO_ID_TOKEN must be a token" in done.stderr


# ---- Arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", "1.5", "1e3", "x", "1000000001",
                                  "99999999999999999999999"])
def test_a_count_that_is_none_is_refused(text):
    done = generate("-n", text)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("go-id generate: --count must be a number from 1 to 1000000000, not "
                           f"'{text}'\n")


@pytest.mark.parametrize("args, message", [
    (["--format", "xml"], "--format must be text, json, string or binary, not 'xml'"),
    (["--timeout-ms", "0"], "--timeout-ms must be from 1 to 600000, not '0'"),
    (["--url", "localhost"],
     "'localhost' is no URL of the form http://host[:port][/path] or unix:/path"),
    (["5"], "unexpected argument '5'"),
])
def test_other_arguments_are_refused(args, message):
    done = generate(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"go-id generate: {message}\n")


# ---- When it does not go well --------------------------------------------------------------------


def test_one_connection_does():
    with Script(well_behaved) as script:
        assert len(ids_of(generate("-n", "250", "-u", script.url))) == 250
    assert script.clients == 1
    assert script.targets == ["/info", *[f"/generate?count={count}&format=binary"
                                         for count in (100, 100, 50)]]
    assert "Connection:" not in script.heads[1]


def test_a_server_that_closes_is_asked_again_elsewhere():
    """After each answer, with and without a word; nothing is lost or doubled by it."""
    def handle(target, asked):
        said = well_behaved(target, asked)
        return [said, Script.CLOSE]
    with Script(handle) as script:
        done = generate("-n", "300", "-u", script.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(ids_of(done)) == 300
    assert script.clients == len(script.targets) == 4


@pytest.mark.parametrize("status", [503, 429])
def test_a_refusal_is_tried_again_and_said(status):
    def handle(target, asked):
        if target != "/info" and asked < 2:
            return answer(status, b'{"detail":"not now"}', "Retry-After: 0")
        return well_behaved(target, asked)
    with Script(handle) as script:
        done = generate("-u", script.url)
    assert (done.returncode, done.stdout) == (0, f"{FIRST}\n")
    for attempt, line in enumerate(done.stderr.splitlines(), 1):
        assert line.startswith(f'go-id generate: {script.url}: status {status}: "not now"; ')
        assert line.endswith(f"; trying again in 0.0 s ({attempt} of 5)")
    assert len(done.stderr.splitlines()) == 2


def test_patience_has_an_end():
    with Script(lambda target, asked: well_behaved(target, asked) if target == "/info" else
                answer(503, b"never", "Retry-After: 0")) as script:
        done = generate("-n", "7", "-u", script.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert script.targets.count("/generate?count=7&format=binary") == 6
    assert done.stderr.count("trying again") == 5
    assert 'status 503: "never"; ask again later\n' in done.stderr
    assert done.stderr.endswith("go-id generate: no id was printed\n")


def test_a_wait_of_a_day_is_none():
    """The daemon may issue no id before tomorrow, and its Retry-After says so."""
    with daemon(env={"MIN_ID": compose(tick_now() + 100 * 86400, 0, 0)}) as server:
        done = generate("-u", "http://{}:{}".format(*server.address))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r'status 503: ".*"; ask again later\n', done.stderr)
    assert "trying again" not in done.stderr


@pytest.mark.parametrize("broken, reason", [
    ([Script.CLOSE], "receive failed: ECONNRESET"),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 800\r\n\r\n" + some_ids(50), Script.CLOSE],
     "receive failed: ECONNRESET"),
    ([b"HTTP/1.1 200 OK\r\nContent-Le", Script.CLOSE], "receive failed: EPROTO"),
    ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "receive failed: EPROTO"),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
     "receive failed: EPROTO"),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"], "receive failed: EPROTO"),
    ([answer(200, some_ids(100)) + b"x"], "receive failed: EPROTO"),
    ([answer(200, some_ids(99))], "792 bytes are not the 100 ids that were asked for"),
    ([answer(404, b"no")], 'status 404: "no"; correct the URL'),
])
def test_a_loss_in_the_middle_is_told_with_the_rest(broken, reason):
    """From the third batch on nothing works any more; what was printed stays printed, once."""
    batches = []

    def handle(target, asked):
        if target == "/info":
            return answer(200, INFO)
        if len(batches) >= 2:
            return broken
        batches.append(target)
        return answer(200, some_ids(100, FIRST + 100 * len(batches)))
    with Script(handle) as script:
        done = generate("-n", "1000", "-u", script.url)
    assert done.returncode == 1
    assert ids_of(done) == list(range(FIRST + 100, FIRST + 300))
    assert reason in done.stderr
    assert done.stderr.endswith(
        "go-id generate: 200 of 1000 ids were printed, each once; for the rest: "
        "go-id generate -n 800, the other options as before\n")


@pytest.mark.parametrize("said", [b"{}", b"[]", b"", b"OK", INFO.replace(b"max_batch", b"batch"),
                                  INFO.replace(b"2014", b"then"), INFO.replace(b"100", b"0")])
def test_who_is_no_go_id_is_not_asked_for_ids(said):
    with Script(lambda *_: answer(200, said)) as script:
        done = generate("-u", script.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "its /info does not say what a go-id's does" in done.stderr
    assert script.targets == ["/info"]


def test_nobody_there_is_a_failure_with_a_next_step():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    done = generate("-u", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"go-id generate: {url}: connect failed: ECONNREFUSED; nobody "
                                  "listens there: start the service, or correct the address\n")


def test_silence_ends_at_the_deadline():
    release = threading.Event()

    def handle(target, asked):
        if target != "/info":
            release.wait(DEADLINE_S)
        return well_behaved(target, asked)
    with Script(handle) as script:
        done = generate("--timeout-ms", "100", "-u", script.url)
        release.set()
    assert (done.returncode, done.stdout) == (1, "")
    assert "receive failed: ETIMEDOUT" in done.stderr


def is_full(pipe):
    """But for a page, which a writer may leave: it puts no more there than fits as a whole."""
    held = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
    return held > fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - 4096


# ---- Standard output, and signals ----------------------------------------------------------------


@pytest.mark.parametrize("ignored", [False, True])
def test_a_reader_who_has_enough_ends_it_quietly(url, ignored):
    """As with head: by SIGPIPE, which a shell reports as 141; also where that was ignored."""
    def ignore():
        if ignored:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with started("-n", "1000000", "-u", url, preexec_fn=ignore) as one:
        one.stdout.readline()
        one.stdout.close()
        assert one.wait(DEADLINE_S) == -signal.SIGPIPE
        assert one.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_answered_with_what_was_printed(url, number):
    with started("-n", "100000000", "-u", url) as one:
        head = one.stdout.readline()
        one.send_signal(number)
        ids = [int(line) for line in (head + one.stdout.read()).splitlines()]
        said = one.stderr.read().decode()
        assert one.wait(DEADLINE_S) == -number
    expect_unique_and_rising(ids)
    assert said == (f"go-id generate: {len(ids)} of 100000000 ids were printed, each once; for the "
                    f"rest: go-id generate -n {100000000 - len(ids)}, the other options as "
                    "before\n")


def test_an_interrupt_ends_a_write_between_two_ids(url):
    """The pipe is full when it comes; what can be read afterwards ends with a whole id."""
    with started("-n", "100000000", "-u", url) as one:
        wait_until(lambda: is_full(one.stdout), "the pipe to be full")
        one.send_signal(signal.SIGINT)
        text = one.stdout.read()
        said = one.stderr.read().decode()
        assert one.wait(DEADLINE_S) == -signal.SIGINT
    assert text.endswith(b"\n")
    ids = [int(line) for line in text.splitlines()]
    expect_unique_and_rising(ids)
    assert said.startswith(f"go-id generate: {len(ids)} of 100000000 ids were printed")


def test_a_wait_is_interrupted():
    with Script(lambda target, asked: well_behaved(target, asked) if target == "/info" else
                answer(503, b"later", "retry-after:   50")) as script:
        with started("-u", script.url) as one:
            said = one.stderr.readline().decode()
            assert 50 <= float(re.search(r"trying again in ([0-9.]+) s \(1 of 5\)", said)[1]) <= 60
            one.send_signal(signal.SIGINT)
            assert one.wait(DEADLINE_S) == -signal.SIGINT
            assert one.stdout.read() == b""


def test_a_full_disk_is_told_with_the_rest(url):
    with open("/dev/full", "wb") as full, started("-n", "10", "-u", url, stdout=full) as one:
        said = one.stderr.read().decode()
        assert one.wait(DEADLINE_S) == 1
    assert said == ("go-id generate: cannot write to standard output: ENOSPC; make room there, or "
                    "write elsewhere\n"
                    "go-id generate: no id was printed\n")


def test_a_write_that_fails_in_the_middle_of_an_id_is_told(url, directory):
    """At the limit of a file's size, which is not one of ids."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    path = directory / "ids"
    with open(path, "wb") as file, \
            started("-n", "200", "-u", url, stdout=file, preexec_fn=limit) as one:
        said = one.stderr.read().decode()
        assert one.wait(DEADLINE_S) == 1
    whole = path.read_bytes().count(b"\n")
    assert 0 < whole < 200
    assert path.stat().st_size == 1000
    assert "EFBIG" in said
    assert (f"{whole} of 200 ids were printed, each once, and a part of one more: remove what is "
            f"behind the last whole id; for the rest: go-id generate -n {200 - whole}") in said


def test_a_closed_standard_output_takes_no_id():
    with Script(well_behaved) as script:
        done = subprocess.run(["sh", "-c", '"$0" generate -u "$1" >&-', harness.GO_ID, script.url],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "standard output is closed" in done.stderr
    assert script.targets == []


def test_memory_does_not_grow_with_the_count():
    peaks = []
    with daemon(env={"SHARD_ID": "0-1023"}) as server:
        url = "http://{}:{}".format(*server.address)
        for count in (10_000, scaled(1_000_000)):
            with open(os.devnull, "wb") as null, \
                    started("-n", str(count), "-u", url, stdout=null) as one:
                _, status, usage = os.wait4(one.pid, 0)
                one.returncode = status
                assert status == 0
                peaks.append(usage.ru_maxrss)
    slack_kib = 100_000 if harness.SLOW else 1024
    assert peaks[1] < peaks[0] + slack_kib, peaks


# ---- Progress ------------------------------------------------------------------------------------


def test_progress_is_shown_when_it_is_asked_for(url):
    done = generate("--progress", "-n", "300", "-u", url)
    assert len(ids_of(done)) == 300
    assert re.fullmatch(r"300 of 300 ids in [0-9]+\.[0-9] s, [0-9]+ ids/s",
                        done.stderr.splitlines()[-1])


@pytest.mark.parametrize("count, shown", [(300, False), (100_000, True)])
def test_progress_is_shown_on_a_terminal_for_many(count, shown):
    """Many: from 100,000 on.  Not a byte of it where standard error is no terminal."""
    with daemon(env={"SHARD_ID": "0-255"}) as server:
        args = ["-n", str(count), "-u", "http://{}:{}".format(*server.address)]
        terminal, other_end = pty.openpty()
        try:
            with open(os.devnull, "wb") as null, started(*args, stdout=null, stderr=other_end) as one:
                os.close(other_end)
                said = b""
                with contextlib.suppress(OSError):  # EIO: the other end is closed
                    while piece := os.read(terminal, 4096):
                        said += piece
                assert one.wait(DEADLINE_S) == 0
        finally:
            os.close(terminal)
        assert (f"{count} of {count} ids in ".encode() in said) == shown
        assert shown or said == b""
        if shown:
            assert generate(*args).stderr == ""
