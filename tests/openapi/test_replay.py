"""Every example of docs/openapi.yaml is asked of a daemon; what is counted there is documented."""

import gzip
import json
import re

import jsonschema
import pytest

from conftest import DOCUMENT, ROOT, TOKEN
from http_client import Connection, get, request
from metrics import scrape

# Examples that a target alone does not lead to: by status, the bytes of a request.
RAW = {
    "404": request("/nothing"),
    "405": request("/generate", method="POST"),
    "408": b"GET /generate HTTP/1.1\r\nHost: test\r\n",  # and no more
    "413": request("/generate", "Content-Length: 65537"),
    "414": request("/" + "x" * 4096),
    "417": request("/generate", "Expect: a miracle"),
    "429": request("/generate"),
    "431": request("/generate", *["X-Field: 1"] * 101),
    "501": request("/generate", "Transfer-Encoding: gzip"),
    "505": b"GET /generate HTTP/2.0\r\nHost: test\r\n\r\n",
}

# Of the statuses that response.h lists: 100 is no answer, the others are not used so far.
NOT_ANSWERS = {100, 500}


def resolved(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def responses(path):
    return {status: resolved(response)
            for status, response in DOCUMENT["paths"][path]["get"]["responses"].items()}


def examples():
    """(path, status, content type, schema, name, example) of every example of every response."""
    for path in DOCUMENT["paths"]:
        for status, response in responses(path).items():
            for content_type, content in response.get("content", {}).items():
                for name, example in content["examples"].items():
                    yield path, status, content_type, content["schema"], name, resolved(example)


def validate(value, schema):
    resolver = jsonschema.RefResolver.from_schema(DOCUMENT)
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(value)


def shape(value):
    """Keys and kinds, without what differs from one answer to the next."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def compare(body, content_type, schema, example, is_exact):
    if "json" in content_type:
        answer = json.loads(body)
        validate(example["value"], schema)
        validate(answer, schema)
        assert shape(answer) == shape(example["value"])
        if is_exact:
            assert answer == example["value"]
    elif content_type == "application/octet-stream":
        assert body and len(body) % 8 == 0
    else:
        validate(example["value"], schema)
        validate(body.decode(), schema)


@pytest.fixture(name="others")
def fixture_others(closed, not_ready, impatient, used_up):
    """Where a status is seen that the plain one does not give."""
    return {"401": closed, "408": impatient, "429": used_up, "503": not_ready}


def expect_documented_headers(path, status, response):
    """Those that are promised are there, and whoever may keep the answer is told by which ETag to ask again."""
    headers = responses(path)[status].get("headers", {})
    for name, header in headers.items():
        header = resolved(header)
        if header.get("required") or name.lower() in response.headers:
            value = response.headers[name.lower()]
            validate(int(value) if header["schema"]["type"] == "integer" else value, header["schema"])
    if "etag" in response.headers:
        assert "ETag" in headers and response.headers["cache-control"] == "no-cache"
    else:
        assert response.headers["cache-control"] == "no-store"


def described():
    return [pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[4]}") for row in examples()]


@pytest.mark.parametrize("path, status, content_type, schema, name, example", described())
def test_an_example_is_what_is_answered(plain, others, path, status, content_type, schema, name, example):
    if status == "default":
        with Connection(others.get(name, plain).address) as connection:
            connection.send_all_it_takes(RAW[name])
            response = connection.read_response()
            while name == "429" and response.status == 200:  # the first, or a second has passed
                connection.send(RAW[name])
                response = connection.read_response()
        assert response.status == int(name) == example["value"]["status"]
    else:
        server = others.get(status, plain)
        method, _, target = example["summary"].partition(" ")
        if method != "GET":  # of a component: the same for many paths
            concrete = path.replace("{id}", "1")
            target = concrete + "?x=1" if status == "400" else concrete
        accept = content_type.partition(";")[0]
        fields = [f"Accept: {accept}"] if "openmetrics" in accept else []
        response = get(server.address, target, *fields)
        assert response.status == int(status)
    assert response.headers["content-type"] == content_type
    expect_documented_headers(path, status, response)
    is_exact = path == "/decode/{id}" or "problem" in content_type and status != "503"
    compare(response.body, content_type, schema, example, is_exact)
    if name == "429":
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"]
                                  if "304" in responses(path)])
def test_what_is_not_modified_is_not_sent(plain, path):
    fields = ["Accept-Encoding: gzip"]
    with Connection(plain.address) as connection:
        first = connection.get(path, *fields)
        expect_documented_headers(path, "200", first)
        page = gzip.decompress(first.body) if "content-encoding" in first.headers else first.body
        content, = responses(path)["200"]["content"].values()
        validate(page.decode(), content["schema"])
        connection.send(request(path, *fields, f"If-None-Match: {first.headers['etag']}"))
        again = connection.read_response(head=True)
        assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])
        expect_documented_headers(path, "304", again)


def test_only_what_is_the_same_for_all_may_be_kept():
    """Ids, above all, are nobody's twice."""
    assert {path for path in DOCUMENT["paths"] if "304" in responses(path)} == {"/", "/openapi.yaml"}


@pytest.mark.parametrize("path", list(DOCUMENT["paths"]))
def test_a_token_is_asked_for_where_it_is_documented(closed, path):
    operation = DOCUMENT["paths"][path]["get"]
    wants_token = operation.get("security", DOCUMENT["security"]) == [{}, {"bearer": []}]
    assert wants_token == ("401" in responses(path)) == (path != "/health")
    response = get(closed.address, path.replace("{id}", "1"))
    assert response.status == (401 if wants_token else 200)
    assert get(closed.address, path.replace("{id}", "1"), f"Authorization: Bearer {TOKEN}").status == 200


@pytest.mark.parametrize("path", list(DOCUMENT["paths"]))
def test_head_is_get_without_a_body(plain, path):
    target = path.replace("{id}", "1")
    with Connection(plain.address) as connection:
        whole, head = connection.get(target), connection.get(target, method="HEAD")
        assert (head.status, head.body) == (whole.status, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]


# ---- Both ways ----------------------------------------------------------------------------------


def counted_path(path):
    return path.partition("{")[0]


def test_the_document_has_every_route_and_no_other(plain):
    """The daemon names its routes itself: they are the labels of its counters."""
    metrics = scrape(plain)
    routes = {dict(labels)["path"] for name, labels in metrics if name == "go_id_requests_total"}
    assert routes - {"other"} == {counted_path(path) for path in DOCUMENT["paths"]}


def test_the_document_has_every_status_and_no_other():
    header = (ROOT / "server" / "http" / "response.h").read_text()
    can_be_sent = {int(number) for number in re.findall(r"^ +X\(([0-9]{3}), ", header,
                                                        re.MULTILINE)} - NOT_ANSWERS
    documented = set()
    for path in DOCUMENT["paths"]:
        for status, response in responses(path).items():
            documented |= {int(status)} if status != "default" else \
                {int(name) for name in next(iter(response["content"].values()))["examples"]}
    assert documented == can_be_sent
    assert {int(status) for status in DOCUMENT["components"]["examples"]} | {200, 304} == \
        documented


def test_nothing_is_answered_that_is_not_documented(plain, not_ready):
    """Wrong requests of all kinds to every path; then the counters say what was answered."""
    for server in (plain, not_ready):
        for path in DOCUMENT["paths"]:
            target = path.replace("{id}", "1")
            for wrong in ("?x", "?count=0", "?count=1&count=1", "?format=", "?%zz", "/", "/x", "%2f",
                          "?count=10000", "?" + "x" * 4000):
                get(server.address, target + wrong)
            for method in ("HEAD", "POST", "OPTIONS"):
                get(server.address, target, method=method)
        for (name, labels), value in scrape(server).items():
            if name != "go_id_requests_total" or value == 0:
                continue
            labels = dict(labels)
            if labels["path"] == "other":
                assert labels["code"] in DOCUMENT["components"]["examples"]
                continue
            path, = (path for path in DOCUMENT["paths"] if counted_path(path) == labels["path"])
            assert labels["code"] in responses(path), (path, labels["code"])
