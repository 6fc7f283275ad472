"""The programs of docs/clients.md, as they stand there, against a daemon."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from harness import GO_ID
from ids import machine_id_of, tick_now, tick_of
from stub import Stub

MANUAL = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL))

# Language: the file, the program that has to be there, and how it is run.
RUN = {
    "sh": ("client.sh", "curl", ["bash", "client.sh"]),
    "js": ("client.mjs", "node", ["node", "client.mjs"]),
    "python": ("client.py", "python3", ["/usr/bin/python3", "client.py"]),
    "go": ("client.go", "go", ["go", "run", "client.go"]),
    "java": ("Client.java", "javac", ["java", "Client.java"]),
}

# The one thing that is changed: 2 s are enough for a service, and not for a busy machine of a test,
# on which a client may be loading its own libraries for as long.
TIMEOUT = {
    "sh": ("--max-time 2 ", "--max-time 120 "),
    "js": ("timeout(2000)", "timeout(120000)"),
    "python": ("timeout=2)", "timeout=120)"),
    "go": ("2 * time.Second", "120 * time.Second"),
    "java": ("ofSeconds(2)", "ofSeconds(120)"),
}
PATIENCE_S = 300


def run(command, directory, **env):
    result = subprocess.run(command, cwd=directory, env={**os.environ, **env}, check=False,
                            capture_output=True, text=True, timeout=PATIENCE_S)
    assert result.returncode == 0, result.stdout + result.stderr
    return [int(line) for line in result.stdout.splitlines()]


def start(language, directory, address):
    """Starts the program as it stands there, but for its timeout."""
    name, _, command = RUN[language]
    assert PROGRAMS[language].count(TIMEOUT[language][0]) == 1
    (directory / name).write_text(PROGRAMS[language].replace(*TIMEOUT[language]), encoding="utf-8")
    host, port = address
    env = {**os.environ, "GO_ID_URL": f"http://{host}:{port}", "no_proxy": "*",
           "GOCACHE": str(directory / "cache")}
    return subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def ids_of(client):
    said, errors = client.communicate(timeout=PATIENCE_S)
    assert client.returncode == 0, said + errors
    return [int(line) for line in said.splitlines()]


def expect_eleven(ids, machine_ids):
    assert len(ids) == 11
    assert ids == sorted(set(ids))
    assert {machine_id_of(value) for value in ids} <= set(machine_ids)
    assert all(abs(tick_of(value) - tick_now()) < 100 * PATIENCE_S for value in ids)


def test_every_program_of_the_manual_has_a_test():
    assert set(PROGRAMS) == set(RUN) | {"c", "bash"}  # bash: single commands, which tests/docs runs


@pytest.mark.parametrize("language", RUN)
def test_a_client_gets_what_the_manual_says(plain, tmp_path, language):
    if shutil.which(RUN[language][1]) is None:
        pytest.skip(f"{RUN[language][1]} is not on this machine")
    expect_eleven(ids_of(start(language, tmp_path, plain.address)), range(64, 128))


@contextlib.contextmanager
def against_stubs(directory, languages, *actions):
    """Yields {language: (stub, client)}: each program that can be run here against a stub of its own, all at once."""
    with contextlib.ExitStack() as stack:
        running = {}
        for language in [name for name in languages if shutil.which(RUN[name][1])]:
            (directory / language).mkdir()
            stub = stack.enter_context(Stub(*actions))
            running[language] = stub, start(language, directory / language, stub.address)
        yield running


def test_clients_try_again(tmp_path):
    """After a 503, as late as Retry-After says, and after a connection that was reset."""
    with against_stubs(tmp_path, RUN, "503 close", "reset", "ids") as running:
        for language, (stub, client) in running.items():
            expect_eleven(ids_of(client), [Stub.SHARD])
            assert len(stub.times) == 4, language
            assert stub.times[1] - stub.times[0] >= Stub.RETRY_AFTER_S, language


@pytest.mark.parametrize("action, requests", [("503 at once", 6), ("400", 1)])
def test_clients_give_up(tmp_path, action, requests):
    """After five more attempts; and at once where another one would have the same answer."""
    own_bound = {"sh"}  # curl's, in minutes
    with against_stubs(tmp_path, set(RUN) - own_bound, action) as running:
        assert running
        for language, (stub, client) in running.items():
            said, errors = client.communicate(timeout=PATIENCE_S)
            assert client.returncode != 0 and said == "", language
            assert Stub.DETAIL in errors, language
            assert len(stub.times) == requests, language


def test_the_c_program_needs_the_library_alone(tmp_path):
    """Built as a stranger would: against an installed libsonyflake, with pkg-config."""
    build = pathlib.Path(GO_ID).parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip(f"{build} is no build folder: there is no library to install from")
    for component in ("library", "development"):
        subprocess.run(["cmake", "--install", build, "--prefix", tmp_path, "--component", component],
                       check=True, capture_output=True, timeout=PATIENCE_S)
    (tmp_path / "client.c").write_text(PROGRAMS["c"], encoding="utf-8")
    pkgconfig = next(tmp_path.rglob("sonyflake.pc")).parent
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sonyflake"], check=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(pkgconfig)},
                           capture_output=True, text=True, timeout=PATIENCE_S).stdout.split()
    subprocess.run(["cc", "-Wall", "-Werror", "client.c", "-o", "client", *flags], cwd=tmp_path,
                   check=True, timeout=PATIENCE_S)
    expect_eleven(run(["./client"], tmp_path, LD_LIBRARY_PATH=str(pkgconfig.parent)), [7])
