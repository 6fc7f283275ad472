"""The forms in which ids are answered, by parameter and by Accept."""

import re

import pytest

from http_client import Connection, expect_problem, get
from ids import from_binary, is_increasing, machine_id_of, unix_ms_of

DAEMON = {"env": {"SHARD_ID": "64-127"}}

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"


def media_type(response):
    return response.headers["content-type"].split(";")[0]


def test_string_quotes_one_id(server):
    response = get(server.address, "/generate?format=string")
    assert re.fullmatch(rb'\{"id":"[1-9][0-9]*","timestamp":[1-9][0-9]*\}', response.body)
    assert response.headers["content-type"] == JSON
    answer = response.json()
    assert answer["timestamp"] == unix_ms_of(int(answer["id"])) // 1000


@pytest.mark.parametrize("count", [1, 2, 1000, 10000])
def test_string_quotes_every_id_of_a_list(server, count):
    response = get(server.address, f"/generate?count={count}&format=string")
    assert re.fullmatch(rb'\{"ids":\["[0-9]+"(?:,"[0-9]+")*\],"timestamp":[0-9]+\}', response.body)
    values = [int(text) for text in response.json()["ids"]]
    assert len(values) == count
    assert is_increasing(values)


def test_json_is_the_format_without_a_name(server):
    response = get(server.address, "/generate?format=json")
    assert re.fullmatch(rb'\{"id":[1-9][0-9]*,"timestamp":[1-9][0-9]*\}', response.body)
    assert response.headers["content-type"] == JSON


@pytest.mark.parametrize("query, count", [("", 1), ("count=1&", 1), ("count=3&", 3),
                                          ("count=10000&", 10000)])
def test_text_is_one_decimal_per_line(server, query, count):
    response = get(server.address, f"/generate?{query}format=text")
    assert media_type(response) == TEXT
    assert re.fullmatch(rb"(?:[1-9][0-9]*\n)+", response.body)
    values = [int(line) for line in response.body.splitlines()]
    assert len(values) == count
    assert is_increasing(values)


@pytest.mark.parametrize("query, count", [("", 1), ("count=1&", 1), ("count=3&", 3),
                                          ("count=10000&", 10000)])
def test_binary_is_eight_bytes_big_endian_each(server, query, count):
    response = get(server.address, f"/generate?{query}format=binary")
    assert media_type(response) == BINARY
    assert len(response.body) == 8 * count
    values = from_binary(response.body)
    assert is_increasing(values)
    assert all(64 <= machine_id_of(value) <= 127 for value in values)


def test_all_formats_draw_from_one_sequence(server):
    values = []
    with Connection(server.address) as connection:
        for _ in range(50):
            values.append(connection.get("/generate").json()["id"])
            values.append(int(connection.get("/generate?format=string").json()["id"]))
            values.append(int(connection.get("/generate?format=text").body))
            values += from_binary(connection.get("/generate?format=binary").body)
    assert is_increasing(values)


def test_the_order_of_parameters_does_not_matter(server):
    response = get(server.address, "/generate?format=text&count=2")
    assert response.body.count(b"\n") == 2


@pytest.mark.parametrize("format_name", ["string", "text", "binary"])
def test_no_format_may_be_stored(server, format_name):
    response = get(server.address, f"/generate?format={format_name}")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept, expected", [
    ("text/plain", TEXT),
    ("TEXT/Plain", TEXT),
    ("text/plain; charset=utf-8", TEXT),
    ("application/octet-stream", BINARY),
    ("application/json", JSON),
    ("*/*", JSON),
    ("text/html, */*;q=0.8", JSON),
    ("application/json, text/plain, */*", JSON),  # what axios sends unasked
    ("application/json, text/plain;q=0.5", JSON),
    ("application/json;q=0.5, text/plain", TEXT),
    ("text/plain;q=0, application/json", JSON),
])
def test_accept_chooses_the_format(server, accept, expected):
    response = get(server.address, "/generate?count=2", f"Accept: {accept}")
    assert response.status == 200
    assert media_type(response) == expected


def test_the_parameter_wins_over_accept(server):
    response = get(server.address, "/generate?format=text", f"Accept: {BINARY}")
    assert media_type(response) == TEXT


@pytest.mark.parametrize("query", ["format=xml", "format=", "format", "format=text%00",
                                   "format=text&format=text", "format=text&format=binary"])
def test_another_format_is_refused(server, query):
    expect_problem(get(server.address, f"/generate?{query}"), 400)


def test_the_refusal_names_the_formats(server):
    detail = expect_problem(get(server.address, "/generate?format=xml"), 400)
    for name in ("string", "text", "binary"):
        assert name in detail
