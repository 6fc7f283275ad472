"""docs/openapi.yaml is valid, is what is served, and is what the documents' tables say."""

import os
import re
import subprocess
import sys

from conftest import DOCUMENT, DOCUMENT_TEXT, ROOT
from http_client import Connection, expect_problem, get

HTTP_API = (ROOT / "docs" / "http_api.md").read_text(encoding="utf-8")


def test_redocly_finds_nothing_to_say():
    redocly = os.environ.get("REDOCLY")
    assert redocly, "REDOCLY must name Redocly CLI: run scripts/openapi_tests.sh BINARY"
    result = subprocess.run(
        [redocly, "lint", "--config", "tests/openapi/redocly.yaml", "docs/openapi.yaml"],
        cwd=ROOT, env={**os.environ, "REDOCLY_TELEMETRY": "off", "NO_COLOR": "1",
                       "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "warning" not in (result.stdout + result.stderr).lower()


def test_it_is_served_as_it_is(plain):
    response = get(plain.address, "/openapi.yaml")
    assert response.body.decode() == DOCUMENT_TEXT
    assert response.headers["content-type"] == "application/yaml; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"


def test_who_has_it_is_not_sent_it_again(plain):
    with Connection(plain.address) as connection:
        etag = connection.get("/openapi.yaml").headers["etag"]
        assert re.fullmatch('"[0-9a-f]{16}"', etag)
        for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            connection.send(b"GET /openapi.yaml HTTP/1.1\r\nHost: test\r\n"
                            + f"If-None-Match: {value}\r\n\r\n".encode())
            response = connection.read_response(head=True)
            assert (response.status, response.headers["etag"]) == (304, etag)
        other = connection.get("/openapi.yaml", 'If-None-Match: "other"')
        assert (other.status, len(other.body)) == (200, len(DOCUMENT_TEXT.encode()))
        head = connection.get("/openapi.yaml", method="HEAD")
        assert int(head.headers["content-length"]) == len(DOCUMENT_TEXT.encode())
        assert head.headers["etag"] == etag
        expect_problem(connection.get("/openapi.yaml?x"), 400)


def test_its_version_is_the_services(plain):
    assert DOCUMENT["info"]["version"] == get(plain.address, "/info").json()["version"]


def test_the_tables_in_the_documents_are_fresh():
    result = subprocess.run([sys.executable, ROOT / "scripts" / "api_tables.py", "--check"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_the_links_in_the_tables_lead_somewhere():
    headings = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.*)$", HTTP_API, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([a-z0-9-]+)\)", HTTP_API))
    assert links <= headings, links - headings


def test_the_parameters_are_those_of_the_manual():
    for parameter in DOCUMENT["paths"]["/generate"]["get"]["parameters"]:
        assert f"| `{parameter['name']}` |" in HTTP_API
