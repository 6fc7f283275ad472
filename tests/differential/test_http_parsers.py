"""Our HTTP parser beside Node's (llhttp, strict): the same inputs, two verdicts each.

A request that we take has to be one that Node takes too, with the same method, target, version and
body; so both agree where it ends, and nobody can smuggle another one behind it.  Where we refuse
what Node takes, strictness.py says why.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

import corpus
import strictness

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERDICTS = pathlib.Path(os.environ["GO_ID"]).resolve().parent / "tests/differential/verdicts"
NODE = os.environ.get("NODE") or shutil.which("node")

Case = collections.namedtuple("Case", "name text ours theirs")


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Every input with both verdicts."""
    inputs = corpus.written()
    inputs += corpus.mutated([text for _, text in inputs])
    folder = tmp_path_factory.mktemp("differential")
    file, out = folder / "inputs", folder / "verdicts"
    file.write_bytes(b"".join(struct.pack("<I", len(text)) + text for _, text in inputs))
    ours = [json.loads(line) for line in run(VERDICTS, file).splitlines()]
    run(NODE, pathlib.Path(__file__).with_name("node_verdicts.js"), file, folder / "socket", out)
    theirs = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert len(ours) == len(theirs) == len(inputs)
    return [Case(name, text, mine, other) for (name, text), mine, other in zip(inputs, ours, theirs)]


def normal(request):
    """Node's request in our words: methods that are not served are one, targets have no host."""
    method, target, minor, body_len = request
    method = method if method in ("GET", "HEAD") else "other"
    if target != "*":
        target = re.sub(r"^https?://[^/?]*", "", target, flags=re.IGNORECASE)
        target = target if target.startswith("/") else "/" + target
    return [method, target, minor, body_len]


def both(case):
    return case.ours["requests"], [normal(request) for request in case.theirs["requests"]]


def explain(case):
    return f"\n{case.name}: {case.text[:400]!r}\n  ours:   {case.ours}\n  theirs: {case.theirs}"


def test_the_corpus_is_as_large_as_it_says(cases):
    written = [case for case in cases if not case.name.startswith("mutation")]
    assert len(written) >= 500
    assert len(cases) - len(written) >= 10000


def test_what_we_take_node_takes_the_same_way(cases):
    wrong = []
    for case in cases:
        mine, others = both(case)
        if case.theirs["end"] == "upgrade":  # the document says why we read on
            mine = mine[: len(others)]
        if mine != others[: len(mine)]:
            wrong.append(explain(case))
    assert not wrong, f"{len(wrong)} inputs" + "".join(wrong[:20])


# What Node calls it when the client ended in the middle of a request, or went on behind the last.
ENDS = ("none", "upgrade", "HPE_INVALID_EOF_STATE", "HPE_CLOSED_CONNECTION", "ECONNRESET", "EPIPE")


TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
HALF_A_METHOD = re.compile(rb"(^|\W)" + TOKEN + rb"+$")
OF_LENGTHS = ("HPE_INVALID_CONTENT_LENGTH", "HPE_INVALID_TRANSFER_ENCODING")


def is_judged_later(case):
    """We judge a method when it is complete, and the meaning of a field at the end of its line."""
    error = case.theirs["end"]
    if error == "HPE_INVALID_METHOD":
        return HALF_A_METHOD.search(case.text)
    return error in OF_LENGTHS and not case.text.endswith(b"\n")


def test_we_wait_for_nothing_that_node_has_refused(cases):
    """More bytes cannot mend it, so it must not look as if they could."""
    wrong = []
    for case in cases:
        mine, others = both(case)
        waits = case.ours["end"] == "more" and case.theirs["end"] not in ENDS and len(mine) == len(others)
        if waits and not is_judged_later(case):
            wrong.append(explain(case))
    assert not wrong, f"{len(wrong)} inputs" + "".join(wrong[:20])


def stricter(cases):
    """What the refusals say of inputs of which Node takes more than we."""
    found = collections.defaultdict(list)
    for case in cases:
        mine, others = both(case)
        if len(mine) < len(others):
            found[case.ours.get("detail", case.ours["end"])].append(case)
    return found


def test_every_refusal_of_what_node_takes_has_its_reason(cases):
    found = stricter(cases)
    known = {**strictness.REASONS, **strictness.OLDER_REASONS}
    unknown = [f"\n{detail}" + explain(found[detail][0]) for detail in found if detail not in known]
    assert not unknown, "not in strictness.py:" + "".join(unknown)


def test_every_reason_is_needed(cases):
    is_old = int(run(NODE, "-p", "process.versions.llhttp").split(b".")[0]) < 8
    listed = {**strictness.REASONS, **(strictness.OLDER_REASONS if is_old else {})}
    assert set(listed) - set(stricter(cases)) == set()


def test_the_document_is_the_table():
    assert (ROOT / "docs/http_strictness.md").read_text() == strictness.document()
