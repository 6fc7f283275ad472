#!/usr/bin/python3
"""Makes the tables of the API in docs/http_api.md from docs/openapi.yaml.

    scripts/api_tables.py           writes them
    scripts/api_tables.py --check   fails if one is not what it would write
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))

BEGIN = "<!-- {name}: made by scripts/api_tables.py from openapi.yaml -->"
END = "<!-- end of {name} -->"


def request_line(path):
    return "GET " + re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), path)


def anchor(path, operation):
    """Where docs/http_api.md has the section, as GitHub names it."""
    if operation["tags"] == ["people"]:
        return "pages-for-people"
    return re.sub(r"[^a-z0-9 -]", "", request_line(path).lower()).replace(" ", "-")


def operations():
    return [(path, item["get"]) for path, item in DOCUMENT["paths"].items()]


def endpoints():
    return ["| request | answer |", "|---|---|"] + [
        f"| [`{request_line(path)}`](#{anchor(path, operation)}) | {operation['summary']} |"
        for path, operation in operations()]


def errors():
    return ["| status | when | what to do |", "|---|---|---|"] + [
        f"| {status} {error['value']['title']} | {error['summary']} | {error['description']} |"
        for status, error in sorted(DOCUMENT["components"]["examples"].items())]


TABLES = [
    ("docs/http_api.md", "endpoints", endpoints),
    ("docs/http_api.md", "errors", errors),
]


def with_table(text, name, rows):
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    assert found and found_end, f"there is no place for the table {name!r}"
    return f"{before}{begin}\n" + "\n".join(rows) + f"\n{end}{after}"


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    for name, title, make in TABLES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        fresh = with_table(text, title, make())
        if fresh != text:
            stale.append(f"{name}: {title}")
            if not check:
                path.write_text(fresh, encoding="utf-8")
    if check and stale:
        sys.exit(f"stale: {', '.join(stale)}; run scripts/api_tables.py")


main()
