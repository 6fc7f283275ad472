"""The documents keep their word: every command runs and answers as shown, every link leads somewhere.

A command of a console block, and of a block for a shell one that begins with go-id or curl, is run in a
folder of its own beside a daemon with SHARD_ID=64-127, which has the place of localhost:7001.  What a
document shows as the content of a file (`cat FILE`) is first put there.  All other commands have
a row in elsewhere.toml, with who runs them.
"""

import json
import os
import re
import subprocess
import tomllib

import pytest

import documents
from documents import ROOT
from harness import DEADLINE_S, GO_ID, daemon, wait_until

PICTURE_MAX = 150_000  # bytes

with open(ROOT / "tests/docs/elsewhere.toml", "rb") as table:
    ELSEWHERE = tomllib.load(table)

BLOCKS = [block for document in documents.documents() for block in documents.blocks(document)]


def row_of(command):
    """The names of its row: its text, or its document and section."""
    names = [command.text, f"{command.document}#{documents.slug(command.section)}"]
    return next((name for name in names if name in ELSEWHERE), None)


def is_run_here(command):
    return row_of(command) is None and \
        (command.shown is not None or command.text.split()[0] in ("go-id", "curl"))


WITH_COMMANDS = [block for block in BLOCKS
                 if any(is_run_here(command) for command in documents.commands(block))]
COMMANDS = [command for block in BLOCKS for command in documents.commands(block)]


def place(block):
    return f"{block.document}:{block.line}"


@pytest.fixture(name="service", scope="module")
def fixture_service():
    with daemon(env={"SHARD_ID": "64-127"}) as running:
        yield running


@pytest.fixture(name="shell")
def fixture_shell(service, tmp_path):
    """Runs a command as its reader would, in a folder that the commands of a block share."""
    host, port = service.address
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "go-id").symlink_to(GO_ID)
    (tmp_path / ".curlrc").write_text("silent\nshow-error\n")  # as on a terminal, without progress
    work = tmp_path / "work"
    work.mkdir()
    env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path), "CURL_HOME": str(tmp_path),
           "STATE_DIRECTORY": service.directory, "LOCK_DIRECTORY": service.directory}

    def run(command):
        text = command.text.replace("localhost:7001", f"{host}:{port}")
        variables = dict(env)
        if text.startswith(("go-id health", "go-id generate")):
            variables["SERVICE_PORT"] = str(port)
        return subprocess.run(["bash", "-c", text], cwd=work, env=variables, timeout=DEADLINE_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)

    run.work = work
    return run


def keys_of(value):
    """The structure of JSON, without its values."""
    if isinstance(value, dict):
        return {key: keys_of(member) for key, member in value.items()}
    return type(value).__name__


def expect_as_shown(command, answer):
    if command.text.endswith("| jq"):  # documents break its lines more sparingly
        assert keys_of(json.loads(answer)) == keys_of(json.loads(command.shown))
    else:
        assert documents.shape(answer) == documents.shape(command.shown), command.text


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=place)
def test_commands_answer_as_shown(block, shell):
    for command in documents.commands(block):
        words = command.text.split()
        if words[0] == "cat" and len(words) == 2:
            (shell.work / words[1]).write_text(command.shown)
        elif command.shown is None and is_run_here(command):
            result = shell(command)
            assert result.returncode == 0, result.stdout.decode()
        elif is_run_here(command):
            expect_as_shown(command, shell(command).stdout.decode("utf-8", "replace"))


def test_every_other_command_has_a_row():
    for command in COMMANDS:
        assert is_run_here(command) or row_of(command), \
            f"{command.document}:{command.line}: {command.text}: add it to tests/docs/elsewhere.toml"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_row_is_of_a_command_and_true(name):
    """The file that it names has the text, and what is excused is not run after all."""
    row = ELSEWHERE[name]
    assert [command for command in COMMANDS if row_of(command) == name], "no document has it any more"
    if "why" in row:
        assert set(row) == {"why"} and not name.startswith("docs/"), "an excuse is for one command"
        assert not re.search(rf"(?m)^ *{re.escape(name)}( |$)", documents.read(".ci/run")), "CI runs it"
    else:
        assert row["text"] in documents.read(row["file"])


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "ini"], ids=place)
def test_settings_that_are_shown_are_valid(block):
    done = subprocess.run([GO_ID, "config", "--config", "/dev/stdin"], input=block.text, env={}, text=True,
                          capture_output=True, check=False, timeout=DEADLINE_S)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("document", documents.documents())
def test_what_is_named_in_passing_exists(document):
    """Targets of make, subcommands of go-id, in the middle of a sentence."""
    makefile = documents.read("Makefile")
    for target in documents.named(document, "make"):
        assert f"\n{target}: " in makefile, f"{document}: make {target}"
    for subcommand in documents.named(document, "go-id"):
        asked = subprocess.run([GO_ID, subcommand, "--help"], capture_output=True, check=False,
                               timeout=DEADLINE_S)
        assert asked.returncode == 0, f"{document}: go-id {subcommand}"


def test_make_run_serves(tmp_path):
    """The README's first command, from make to an answer, on a Unix socket instead of the port."""
    socket = tmp_path / "socket"
    env = {**os.environ, "LISTEN_ADDRESS": f"unix:{socket}", "STATE_DIRECTORY": str(tmp_path),
           "LOCK_DIRECTORY": str(tmp_path)}
    command = ["setpriv", "--pdeathsig", "TERM", "make", "-C", str(ROOT), "run"]
    with open(tmp_path / "log", "wb") as log, \
            subprocess.Popen(command, env=env, stdout=log, stderr=log) as make:
        try:
            def serves():
                assert make.poll() is None, (tmp_path / "log").read_text()
                return socket.exists()
            wait_until(serves, "make run to serve", deadline_s=300)
            asked = subprocess.run([GO_ID, "health", f"unix:{socket}"], check=False,
                                   capture_output=True, text=True, timeout=DEADLINE_S)
            assert asked.returncode == 0, asked.stderr
        finally:
            make.terminate()  # it passes that on
    asked = subprocess.run([GO_ID, "health", f"unix:{socket}"], check=False, timeout=DEADLINE_S,
                           capture_output=True)
    assert asked.returncode == 1, "it serves on after make has ended"


def test_the_figures_of_the_readme_are_those_of_the_documents():
    """Each is in the document that its row names beside the command; if that has such a row too, then there."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d.,]+) \| `make \w+`: \[[\w.]+\]\((docs/\w+\.md)[#)]",
                      documents.read("README.md"), re.MULTILINE)
    assert len(rows) >= 5
    for what, figure, document in rows:
        text = documents.read(document)
        text = "\n".join(line for line in text.splitlines() if line.startswith(f"| {what} |")) or text
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,]|\.\d)", text), \
            f"README.md: {what}: {figure} is not in {document} any more"


def test_the_readme_is_read_in_a_few_minutes():
    assert len(documents.read("README.md").split()) <= 1000


@pytest.mark.parametrize("document", documents.documents())
def test_links_lead_somewhere(document):
    for link in documents.links(document):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in documents.anchors(os.path.relpath(target, ROOT)), \
                f"{document}: {link}"


def test_the_readme_names_every_document():
    named = set(documents.links("README.md"))
    missing = {name for name in documents.documents()
               if name.startswith("docs/") and name.count("/") == 1} - named
    assert missing == set()


def test_pictures_are_small():
    pictures = list((ROOT / "docs").rglob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < PICTURE_MAX, picture
