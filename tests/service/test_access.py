"""Who may ask: bearer tokens, the users of a Unix socket, and root."""

import grp
import os
import shutil
import signal
import stat
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon, run_to_end, wait_until
from http_client import Connection, expect_problem, get

OLD = "old-token-of-this-test"
NEW = "bmV3LXRva2VuLW9mLXRoaXM/dGVzdA=="
PATHS = ("/generate", "/generate?count=3", "/decode/7", "/ready", "/info", "/nothing-here")
NOBODY = 65534


def bearer(token):
    return f"Authorization: Bearer {token}"


def write_tokens(path, text, mode=0o600):
    """As an editor does: whole, under its name at once."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)


@pytest.fixture(name="tokens")
def fixture_tokens(directory):
    path = directory / "tokens"
    write_tokens(path, OLD + "\n")
    return path


def is_admitted(address, token):
    return get(address, "/info", bearer(token)).status == 200


def reload(server, event):
    lines = server.log().count(f"event={event} ")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: server.log().count(f"event={event} ") > lines, f"event={event} in the log")


# ---- Tokens --------------------------------------------------------------------------------------


def test_without_a_token_only_health_answers(tokens):
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server, Connection(server.address) as client:
        for path in PATHS:
            for method in ("GET", "HEAD"):
                response = client.get(path, method=method)
                assert response.status == 401, path
                assert response.headers["www-authenticate"] == 'Bearer realm="go-id"'
                if method == "GET":
                    assert "Authorization: Bearer" in expect_problem(response, 401)
        assert client.get("/health").body == b"OK"
        assert client.get("/generate", bearer(OLD)).status == 200
        assert client.get("/nothing-here", bearer(OLD)).status == 404


def test_a_token_that_is_not_good_is_told_so(tokens):
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server, Connection(server.address) as client:
        for fields in ([bearer(OLD + "x")], [bearer(OLD[:-1])], [bearer("x" * 4000)], [bearer("")],
                       [bearer(OLD), bearer(OLD)], [bearer(OLD + " " + OLD)]):
            response = client.get("/generate", *fields)
            expect_problem(response, 401)
            assert OLD not in response.body.decode()
        assert 'error="invalid_token"' in client.get("/info", bearer(NEW)).headers[
            "www-authenticate"]
        for field in ("Authorization: Basic " + OLD, "Authorization: " + OLD, "Authorization:",
                      "Proxy-Authorization: Bearer " + OLD):
            assert client.get("/generate", field).status == 401
        assert client.get("/generate", f"authorization:bearer   {OLD} ").status == 200
        assert OLD not in server.log()


def test_tokens_are_exchanged_without_one_refused_request(tokens):
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server:
        assert is_admitted(server.address, OLD) and not is_admitted(server.address, NEW)
        write_tokens(tokens, f"# both\n{NEW}\n{OLD}\n")
        reload(server, "tokens_loaded")
        assert is_admitted(server.address, OLD) and is_admitted(server.address, NEW)
        write_tokens(tokens, NEW + "\n")
        reload(server, "tokens_loaded")
        assert not is_admitted(server.address, OLD) and is_admitted(server.address, NEW)


@pytest.mark.parametrize("text, mode, errno, words", [
    ("", 0o600, "EINVAL", "there is no token in it"),
    ("# none\n", 0o600, "EINVAL", "there is no token in it"),
    (f"{NEW}\nshort\n", 0o600, "EINVAL", "at least 16 characters"),
    (f"{NEW}\n{OLD}", 0o600, "EINVAL", "half written"),
    (f"{NEW}\n", 0o644, "EACCES", "others have rights to it"),
    (f"{NEW}\n", 0o660, "EACCES", "its group may write to it"),
    (None, None, "ENOENT", "it cannot be opened"),
])
def test_a_bad_file_keeps_the_old_tokens_and_starts_nothing(tokens, text, mode, errno, words):
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server:
        if text is None:
            tokens.unlink()
        else:
            write_tokens(tokens, text, mode)
        reload(server, "tokens_kept")
        assert f"errno={errno} " in server.log() and words in server.log()
        assert is_admitted(server.address, OLD) and not is_admitted(server.address, NEW)
    done = run_to_end(["serve", "--listen", "127.0.0.1:0"], env={"AUTH_TOKEN_FILE": tokens})
    assert (done.returncode, done.stdout) == (1, "")
    assert "event=start_refused " in done.stderr and words in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what it has no right to")
def test_a_file_that_could_not_be_read_again_starts_nothing(tokens):
    """Root gives its capabilities up; a token that is taken back would stay good for ever."""
    os.chown(tokens, NOBODY, NOBODY)
    done = run_to_end(["serve", "--listen", "127.0.0.1:0"], env={"AUTH_TOKEN_FILE": tokens})
    assert (done.returncode, done.stdout) == (1, "")
    assert 'errno=EACCES reason="it cannot be opened"' in done.stderr
    assert "without the capabilities of root" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_owns_is_not_taken_in_exchange(tokens):
    """Whose it is, the daemon asks after the filter of system calls is on."""
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server:
        write_tokens(tokens, NEW + "\n", 0o640)
        os.chown(tokens, NOBODY, -1)
        reload(server, "tokens_kept")
        assert "it belongs to another user" in server.log()
        assert is_admitted(server.address, OLD) and not is_admitted(server.address, NEW)


def test_health_command_needs_no_token(tokens):
    with daemon(env={"AUTH_TOKEN_FILE": tokens}) as server:
        host, port = server.address
        done = run_to_end(["health", f"http://{host}:{port}"])
        assert (done.returncode, done.stdout) == (0, "OK\n")


# ---- Unix sockets --------------------------------------------------------------------------------


def test_a_unix_socket_has_the_mode_and_the_group_that_were_asked_for(directory):
    path = f"{directory}/socket"
    group = os.getgroups()[0] if os.getgroups() else os.getgid()
    env = {"UNIX_SOCKET_MODE": "0620", "UNIX_SOCKET_GROUP": grp.getgrgid(group).gr_name}
    with daemon(env=env, listen=[f"unix:{path}"]) as server:
        status = os.stat(path)
        assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o620, group)
        assert get(server.address, "/health").body == b"OK"
    with daemon(env={"UNIX_SOCKET_MODE": "777", "UNIX_SOCKET_GROUP": str(group)},
                listen=[f"unix:{path}"]):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o777


def test_a_group_that_does_not_exist_is_named(directory):
    done = run_to_end(["serve", "--listen", f"unix:{directory}/socket"],
                      env={"UNIX_SOCKET_GROUP": "no-such-group"})
    assert done.returncode == 1
    assert 'reason="there is no such group" group=no-such-group errno=ENOENT' in done.stderr
    assert not os.path.exists(f"{directory}/socket")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody in another group")
def test_a_group_that_cannot_be_given_leaves_no_socket(directory):
    directory.chmod(0o777)
    program = shutil.copy(GO_ID, directory)
    env = {"UNIX_SOCKET_GROUP": "0", "STATE_DIRECTORY": f"{directory}/state",
           "LOCK_DIRECTORY": str(directory)}
    os.mkdir(f"{directory}/state")
    os.chown(f"{directory}/state", NOBODY, NOBODY)
    done = subprocess.run([program, "serve", "--listen", f"unix:{directory}/socket"], env=env,
                          user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "event=listen_failed " in done.stderr and "step=access errno=EPERM" in done.stderr
    assert not os.path.exists(f"{directory}/socket")


# ---- Root ----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="this is about root")
@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "127.0.0.1:0,192.0.2.1:0"])
def test_root_does_not_listen_beyond_the_machine(listen):
    done = run_to_end(["serve", "--listen", listen])
    assert (done.returncode, done.stdout) == (1, "")
    assert 'event=start_refused reason="root does not listen beyond this machine"' in done.stderr
    assert "ALLOW_ROOT=1" in done.stderr


def test_whoever_says_so_may():
    with daemon(env={"ALLOW_ROOT": 1}, listen=["0.0.0.0:0"]) as server:
        assert get(("127.0.0.1", server.address[1]), "/health").body == b"OK"
