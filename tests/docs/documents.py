"""Reads the documents: their blocks of commands, and what they say that the commands answer."""

import pathlib
import re
import subprocess
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELL = ("bash", "sh")


class Block(NamedTuple):
    """A fenced block."""

    document: str
    section: str  # the heading above it
    line: int  # of its first line
    language: str
    text: str


class Command(NamedTuple):
    document: str
    section: str
    line: int
    text: str
    shown: str  # what stands below a command in a console block; None: nothing is claimed


def documents():
    """Every Markdown file of the project, by its path from the root."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard",
                             "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(listed.stdout.split())


def read(document):
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document):
    found = []
    start = language = None
    section = ""
    lines = read(document).splitlines()
    for number, line in enumerate(lines, 1):
        fence = re.fullmatch(r"\s*```(\w*)", line)
        if fence and start is None:
            start, language = number, fence[1]
        elif fence:
            found.append(Block(document, section, start + 1, language,
                               "\n".join(lines[start:number - 1]) + "\n"))
            start = None
        elif start is None and (heading := re.fullmatch(r"#+ (.*)", line)):
            section = heading[1]
    assert start is None, f"{document}:{start}: this block has no end"
    return found


def is_whole(text):
    """Whether a shell would run it, or wait for the rest: of a line, of a loop."""
    return not text.endswith("\\\n") and \
        subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False).returncode == 0


def commands_for_a_shell(block):
    """One per line, but for those that take several; without comments."""
    found = []
    text, first = "", 0
    for number, line in enumerate(block.text.splitlines(), block.line):
        if not text and (not line.strip() or line.startswith("#")):
            continue
        first = first if text else number
        text += re.sub(r"\s+# .*", "", line) + "\n"
        if is_whole(text):
            text = re.sub(r"\\\n\s*", "", text).strip()
            found.append(Command(block.document, block.section, first, text, None))
            text = ""
    assert not text, f"{block.document}:{first}: this command has no end"
    return found


def commands_of_a_console(block):
    """They begin with "$ ", and what they answer is below them."""
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            found.append(Command(block.document, block.section, number, line[2:], ""))
        else:
            assert found, f"{block.document}:{number}: output before the first '$ ' command"
            found[-1] = found[-1]._replace(shown=found[-1].shown + line + "\n")
    return found


def commands(block):
    if block.language in SHELL:
        return commands_for_a_shell(block)
    return commands_of_a_console(block) if block.language == "console" else []


def section(document, heading):
    """The commands below a heading, as they stand: for tests that run them where they belong."""
    found = [command.text for block in blocks(document) if block.section == heading
             for command in commands(block)]
    assert found, f"{document}: there are no commands below '{heading}'"
    return found


def named(document, program):
    """The first word after program in what stands in backticks: `make lint`, `go-id state show`."""
    return sorted(set(re.findall(rf"`{program} ([a-z][a-z-]*)\b[^`\n]*`", read(document))))


def in_passing(document, program):
    """The commands that stand in backticks, in tables and sentences."""
    return re.findall(rf"`({re.escape(program)} [^`\n]+)`", read(document))


def slug(heading):
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower())
    return text.replace(" ", "-")


def anchors(document):
    outside = re.sub(r"(?ms)^```.*?^```", "", read(document))
    return {slug(heading) for heading in re.findall(r"(?m)^#+ (.*)$", outside)}


def links(document):
    """What a document links to, or shows, within the project."""
    text = re.sub(r"(?ms)^```.*?^```", "", read(document))
    text = re.sub(r"`[^`\n]*`", "", text)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def shape(text):
    """What has to be the same: everything but numbers, days, and the bytes of an od dump."""
    text = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} ", "DAY ", text)
    text = re.sub(r"(?m)^( [0-9a-f]{2})+$", "BYTES", text)
    text = re.sub(r"\d+(\.\d+)*", "0", text)
    return [line.rstrip() for line in text.strip().splitlines()]
