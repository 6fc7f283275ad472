"""The completions, as installed, in the shells that they are for: commands, options and values.

What has to be offered is read from the help a second time, here.
"""

import contextlib
import os
import pty
import re
import subprocess
import threading

import pytest

from harness import DEADLINE_S, GO_ID, wait_until

STATE_ACTIONS = ["show", "adopt", "migrate", "accept-clock"]
FORMATS = ["text", "json", "string", "binary"]
TAKES_A_FILE = ("--config", "--token-file")


def said(*args):
    return subprocess.run([GO_ID, *args], check=True, capture_output=True, text=True).stdout


COMMANDS = re.findall(r"^  ([a-z]+) ", said("help").split("Commands:")[1], re.MULTILINE)
OPTIONS = {command: re.findall(r"^ +-., (--[a-z-]+)(?: ([^ \n]+))?", said(command, "--help"), re.M)
           for command in COMMANDS if command != "help"}


def options_of(command):
    return [name for name, _ in OPTIONS[command]]


def test_the_help_is_understood():
    assert len(COMMANDS) >= 8
    assert ("--format", "|".join(FORMATS)) in OPTIONS["generate"]
    assert ("--yes", "") in OPTIONS["state"]


# ---- bash ----------------------------------------------------------------------------------------


@pytest.fixture(name="bash")
def fixture_bash(prefix, tmp_path):
    """What bash offers for the last of some words, in a folder of its own."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _go_id; '
              '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"')

    def complete(*words):
        done = subprocess.run(["bash", "-euc", script, "bash", bash_file(prefix), *words],
                              text=True, capture_output=True, cwd=tmp_path, timeout=DEADLINE_S,
                              check=True)
        assert done.stderr == ""
        return done.stdout.splitlines()
    return complete


def bash_file(prefix):
    return str(prefix / "share/bash-completion/completions/go-id")


def test_bash_offers_the_commands(bash):
    assert bash("go-id", "") == [*COMMANDS, "--help", "--version"]
    assert bash("go-id", "he") == ["health", "help"]
    assert bash("go-id", "nothing") == []
    assert bash("go-id", "help", "") == COMMANDS[:-1]
    assert bash("go-id", "state", "") == [*STATE_ACTIONS, *options_of("state")]


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_bash_offers_the_options_that_help_shows(bash, command):
    assert bash("go-id", command, "-") == options_of(command)


def test_bash_offers_values(bash, tmp_path):
    (tmp_path / "a file.conf").touch()
    (tmp_path / "b").touch()
    for command, options in OPTIONS.items():
        for name, value in options:
            offered = bash("go-id", command, name, "")
            if name in TAKES_A_FILE:
                assert sorted(offered) == ["a file.conf", "b"], (command, name)
                assert bash("go-id", command, name, "=", "a") == ["a file.conf"]
            elif "|" in value:
                assert offered == value.split("|") == bash("go-id", command, name, "=")
            elif value:
                assert offered == [], (command, name)
            else:
                assert offered, (command, name)
    assert bash("go-id", "decode", "-s", "") == []
    assert "--config" in bash("go-id", "config", "-s", "--c")


def test_bash_completion_is_for_go_id_and_clean(prefix):
    script = 'source "$1"; complete -p go-id'
    done = subprocess.run(["bash", "-euc", script, "bash", bash_file(prefix)], text=True,
                          capture_output=True, timeout=DEADLINE_S, check=True)
    assert done.stdout == "complete -F _go_id go-id\n"


# ---- fish ----------------------------------------------------------------------------------------


@pytest.fixture(name="fish")
def fixture_fish(prefix, tmp_path):
    """What fish offers for a line: words, each with its description."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
           "XDG_DATA_DIRS": f"{prefix}/share:/usr/share", "TERM": "dumb"}

    def complete(line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source $argv[2]; complete -C $argv[1]",
                               line, f"{prefix}/share/fish/vendor_completions.d/go-id.fish"],
                              env=env, text=True, capture_output=True, cwd=tmp_path,
                              timeout=DEADLINE_S, check=True)
        assert done.stderr == ""
        return dict(row.partition("\t")[::2] for row in done.stdout.splitlines())
    return complete


def test_fish_offers_commands_with_what_they_do(fish):
    assert sorted(fish("go-id ")) == sorted(COMMANDS)
    assert fish("go-id gen") == {"generate": "get ids from a running service"}
    assert set(fish("go-id --")) == {"--help", "--version"}
    assert sorted(fish("go-id help ")) == sorted(COMMANDS[:-1])
    assert sorted(fish("go-id state ")) == sorted(STATE_ACTIONS)


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_fish_offers_the_options_that_help_shows(fish, command):
    offered = {word.rstrip("=") for word in fish(f"go-id {command} --")}
    assert offered == set(options_of(command))


def test_fish_offers_values(fish, tmp_path):
    (tmp_path / "a.conf").touch()
    assert sorted(fish("go-id generate --format ")) == sorted(FORMATS)
    assert set(fish("go-id generate -f j")) == {"json"}
    assert set(fish("go-id serve --config a")) == {"a.conf"}
    assert fish("go-id generate --count ") == {}
    assert fish("go-id decode ") == {}


# ---- In a terminal -------------------------------------------------------------------------------


def type_into(shell, setup, lines, folder):
    """Types lines into an interactive shell; returns the words that each ran go-id with."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(shell, stdin=other_end, stdout=other_end, stderr=other_end,
                               cwd=folder, env={"PATH": os.environ["PATH"], "TERM": "dumb",
                                                "HISTFILE": "", "HOME": str(folder)},
                               start_new_session=True)
    os.close(other_end)
    got = []
    reader = threading.Thread(target=read_all, args=[terminal])
    reader.start()
    try:
        os.write(terminal, setup.encode())
        wait_until((folder / "ready").exists, f"{shell[0]} to be ready")
        for line in lines:
            os.write(terminal, line.encode())
            wait_until((folder / "words").exists, f"{shell[0]} to run what became of {line!r}")
            got.append((folder / "words").read_text().splitlines())
            (folder / "words").unlink()
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(terminal)
    return got


def read_all(terminal):
    """What the shell shows: somebody must, or it would wait for room.  Ends when the shell does."""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while os.read(terminal, 4096):
            pass


# What is typed, the tabulator included, and the words that go-id is run with.
TYPED = [
    ("go-id dec\t1\n", ["decode", "1"]),
    ("go-id gen\t--form\tbin\t\n", ["generate", "--format", "binary"]),
    ("go-id serve --conf\ta\t\n", ["serve", "--config", "a file.conf"]),
    ("go-id config -c fol\tb\t\n", ["config", "-c", "folder/b.conf"]),
    ("go-id state acc\t--y\t\n", ["state", "accept-clock", "--yes"]),
    ("go-id help heal\t\n", ["help", "health"]),
    ("go-id health --tok\ta\t\n", ["health", "--token-file", "a file.conf"]),
]
RECORD = "printf '%s\\n' \"$@\" >got; mv got words; "


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("a file.conf", "folder/b.conf"):
        (tmp_path / name).touch()
    return tmp_path


def test_bash_completes_in_a_terminal(prefix, folder):
    typed = [*TYPED, ("go-id serve --config=a\t\n", ["serve", "--config=a file.conf"])]
    setup = f"source '{bash_file(prefix)}'\ngo-id() {{ {RECORD}}}\ntouch ready\n"
    got = type_into(["bash", "--norc", "--noprofile", "-i"], setup, [line for line, _ in typed],
                    folder)
    assert got == [words for _, words in typed]


def test_zsh_completes_in_a_terminal(prefix, folder):
    """Every command, and every option of each, as far as its name tells it from the others."""
    typed = list(TYPED)
    for command in COMMANDS[:-1]:
        for name, value in OPTIONS[command]:
            others = [other for other in options_of(command) if other != name]
            cut = next((at for at in range(3, len(name))
                        if not any(other.startswith(name[:at]) for other in others)), None)
            if cut is not None and not value:
                typed.append((f"go-id {command} {name[:cut]}\t\n", [command, name]))
    setup = (f"fpath=({prefix}/share/zsh/site-functions $fpath)\n"
             "autoload -Uz compinit && compinit -u -D\n"
             "unsetopt zle_bracketed_paste prompt_cr prompt_sp; setopt no_auto_remove_slash\n"
             f"go-id() {{ {RECORD}}}\ntouch ready\n")
    got = type_into(["zsh", "-f", "-i"], setup, [line for line, _ in typed], folder)
    # zsh writes --format=text where bash leaves a blank.
    apart = [[part for word in words for part in word.split("=")] for words in got]
    assert apart == [words for _, words in typed]
