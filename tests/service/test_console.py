"""The console at / and the status page, byte by byte; tests/console runs them in a browser."""

import base64
import gzip
import hashlib
import re

import pytest

from http_client import Connection, get

DAEMON = {"env": {"SHARD_ID": "7"}}
GZIP = "Accept-Encoding: gzip, deflate, br, zstd"
COMPRESSED_MAX = 30 * 1024


def policy_of(response):
    return dict(re.findall(r"([a-z-]+) ([^;]+)", response.headers["content-security-policy"]))


def hash_of(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def inline(page, element):
    """What stands between the only <element> and its end."""
    parts = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    assert len(parts) == 1
    return parts[0]


def test_the_console_is_one_small_compressed_page(server):
    response = get(server.address, "/", GZIP)
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept-Encoding"
    assert len(response.body) < COMPRESSED_MAX
    page = gzip.decompress(response.body).decode()
    assert page.startswith("<!doctype html>")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page), "it loads nothing"
    assert "@S" not in page, "a part was not put in"


def test_only_its_own_script_and_style_may_run(server):
    response = get(server.address, "/", GZIP)
    page = gzip.decompress(response.body).decode()
    assert policy_of(response) == {
        "default-src": "'none'",
        "script-src": hash_of(inline(page, "script")),
        "style-src": hash_of(inline(page, "style")),
        "connect-src": "'self'",
        "img-src": "data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", page)


def test_a_browser_that_has_it_is_told_so(server):
    with Connection(server.address) as connection:
        first = connection.get("/", GZIP)
        etag = first.headers["etag"]
        assert re.fullmatch('"[0-9a-f]{16}"', etag)
        assert first.headers["cache-control"] == "no-cache"
        for tags in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            again = connection.get("/", GZIP, f"If-None-Match: {tags}")
            assert (again.status, again.body) == (304, b"")
            assert again.headers["etag"] == etag
            assert again.headers["content-security-policy"] == \
                first.headers["content-security-policy"]
            assert "content-length" not in again.headers
        assert connection.get("/", GZIP, 'If-None-Match: "x"').body == first.body


def test_head_says_what_get_would(server):
    with Connection(server.address) as connection:
        body = connection.get("/", GZIP).body
        head = connection.get("/", GZIP, method="HEAD")
        assert head.headers["content-length"] == str(len(body))
        assert head.headers["content-encoding"] == "gzip"
        assert int(connection.get("/status", method="HEAD").headers["content-length"]) > 1000
        assert connection.get("/health").body == b"OK"


@pytest.mark.parametrize("fields", [(), ("Accept-Encoding: identity",),
                                    ("Accept-Encoding: gzip;q=0",)])
def test_who_cannot_read_gzip_is_shown_the_status(server, fields):
    response = get(server.address, "/", *fields)
    assert response.status == 200
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "Accept-Encoding"
    assert b"<h1>go-id</h1>" in response.body


def test_the_status_page_says_in_words_how_the_service_is(server):
    response = get(server.address, "/status")
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    page = response.body.decode()
    assert policy_of(response)["style-src"] == hash_of(inline(page, "style"))
    assert policy_of(response)["script-src"] == "'none'"
    assert "Issuing ids. All is well." in page
    assert "<dt>Shard</dt><dd>7</dd>" in page
    conditions = re.findall(r'<div data-condition="([a-z]+)"><dt>([A-Z][a-z]+)</dt>', page)
    assert conditions == [("ok", name) for name in ("Clock", "Lead", "Mark", "Lock", "Lifetime")]
    assert '<form action="/generate">' in page
