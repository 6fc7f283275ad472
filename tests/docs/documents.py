"""Reads the documents: their blocks of commands, and what they say that the commands answer."""

import pathlib
import re
import subprocess
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]

# Stands, with a reason, above a block whose commands need another service than the test has.
NOT_RUN = "<!-- not run by tests/docs: "


class Block(NamedTuple):
    """A fenced block."""

    document: str
    line: int  # of its first line
    language: str
    text: str


class Command(NamedTuple):
    document: str
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
    lines = read(document).splitlines()
    for number, line in enumerate(lines, 1):
        fence = re.fullmatch(r"\s*```(\w*)", line)
        if fence and start is None:
            start = number
            language = "" if lines[number - 2].startswith(NOT_RUN) else fence[1]
        elif fence:
            found.append(Block(document, start + 1, language,
                               "\n".join(lines[start:number - 1]) + "\n"))
            start = None
    assert start is None, f"{document}:{start}: this block has no end"
    return found


def commands(block):
    """The commands of a console block begin with "$ "; in a bash block every line is one."""
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if block.language == "console" and line.startswith("$ "):
            found.append(Command(block.document, number, line[2:], ""))
        elif block.language == "console":
            assert found, f"{block.document}:{number}: output before the first '$ ' command"
            found[-1] = found[-1]._replace(shown=found[-1].shown + line + "\n")
        elif block.language == "bash" and line.strip() and not line.startswith("#"):
            found.append(Command(block.document, number, re.sub(r"\s+# .*", "", line), None))
    return found


def named(document, program):
    """The first word after program in what stands in backticks: `make lint`, `go-id state show`."""
    return sorted(set(re.findall(rf"`{program} ([a-z][a-z-]*)\b[^`\n]*`", read(document))))


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
