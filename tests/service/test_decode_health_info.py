"""GET /decode, /health and /info."""

import datetime
import re

import pytest

from harness import daemon
from http_client import Connection, expect_problem, get
from ids import (ID_MAX, START_TIME_MS, compose, machine_id_of, now_ms, sequence_of, tick_of,
                 unix_ms_of)

DAEMON = {"env": {"SHARD_ID": "7"}}
EPOCH = datetime.datetime(1970, 1, 1)


def rfc3339(unix_ms):
    time = EPOCH + datetime.timedelta(milliseconds=unix_ms)
    return time.isoformat(timespec="milliseconds") + "Z"


@pytest.mark.parametrize("value", [
    1,
    compose(1, 0, 0),
    compose(1, 255, 65535),
    compose(99, 0, 4242),
    compose(100, 1, 1),
    compose(38_000_000_000, 17, 4242),
    compose(2**39 - 1, 0, 0),
    ID_MAX,
])
def test_decode_takes_an_id_apart(server, value):
    response = get(server.address, f"/decode/{value}")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "id": value,
        "elapsed_time": tick_of(value),
        "time": rfc3339(unix_ms_of(value)),
        "unix_ms": unix_ms_of(value),
        "sequence": sequence_of(value),
        "machine_id": machine_id_of(value),
    }


def test_decode_knows_the_time_of_a_fresh_id(server):
    before_ms = now_ms()
    value = get(server.address, "/generate").json()["id"]
    answer = get(server.address, f"/decode/{value}").json()
    assert before_ms - 20 <= answer["unix_ms"] <= now_ms() + 20
    assert answer["machine_id"] == 7


@pytest.mark.parametrize("text", [
    "", "abc", "-1", "+1", "1.5", "1e3", "%201", "1%20", "1%00", "1,2", str(ID_MAX + 1),
    str(2**64), str(2**64 + 1), "9" * 40, "%C3%A9", "one",
])
def test_what_cannot_be_an_id_is_refused(server, text):
    expect_problem(get(server.address, f"/decode/{text}"), 400)


@pytest.mark.parametrize("path", ["/decode", "/decode/1/2", "/decode/1/"])
def test_a_path_that_only_looks_like_decode_is_refused(server, path):
    response = get(server.address, path)
    expect_problem(response, response.status)
    assert response.status in (400, 404)


def test_decode_counts_from_the_start_time_of_the_daemon():
    with daemon(env={"START_TIME": "2020-01-01T00:00:00Z"}) as server:
        answer = get(server.address, f"/decode/{compose(1, 2, 3)}").json()
        assert answer["time"] == "2020-01-01T00:00:00.010Z"
        before_ms = now_ms()
        value = get(server.address, "/generate").json()["id"]
        unix_ms = 1577836800000 + tick_of(value) * 10
        assert before_ms - 20 <= unix_ms <= now_ms() + 20


def test_health_is_the_two_letters(server):
    response = get(server.address, "/health")
    assert (response.status, response.body) == (200, b"OK")
    assert response.headers["content-type"].split(";")[0] == "text/plain"


def test_health_takes_no_id(server):
    """Pairs of ids around it stay neighbours, whenever both fall into one tick."""
    neighbours = 0
    with Connection(server.address) as connection:
        for _ in range(200):
            first = connection.get("/generate").json()["id"]
            connection.get("/health")
            second = connection.get("/generate").json()["id"]
            if tick_of(first) == tick_of(second):
                neighbours += 1
                assert sequence_of(second) == sequence_of(first) + 1
    assert neighbours > 0


def test_info_tells_what_the_daemon_is(server):
    response = get(server.address, "/info")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    info = response.json()
    assert re.match(r"[0-9]+\.[0-9]+\.[0-9]+", info["version"])
    assert info["shards"] == {"first": 7, "last": 7, "count": 1}
    assert info["layout"] == {"time_bits": 39, "sequence_bits": 8, "machine_id_bits": 16,
                              "time_unit_ms": 10}
    assert info["limits"]["max_batch"] == 10000
    assert info["limits"]["max_wait_ms"] == 1000
    assert info["limits"]["ids_per_second"] == 25600


def test_info_tells_when_the_id_space_begins_and_ends(server):
    info = get(server.address, "/info").json()
    end_ms = START_TIME_MS + 2**39 * 10
    assert info["start_time"][:19] == rfc3339(START_TIME_MS)[:19]
    assert info["id_space_ends"][:19] == rfc3339(end_ms)[:19]
    for name in ("start_time", "id_space_ends"):
        assert re.fullmatch(r"[0-9T:-]{19}(\.[0-9]+)?Z", info[name])


def test_info_follows_the_settings():
    env = {"SHARD_ID": "64-127", "MAX_BATCH": 123, "MAX_WAIT_MS": 456,
           "START_TIME": "2021-02-03T04:05:06Z"}
    with daemon(env=env) as server:
        info = get(server.address, "/info").json()
    assert info["shards"] == {"first": 64, "last": 127, "count": 64}
    assert info["limits"] == {"max_batch": 123, "max_wait_ms": 456, "ids_per_second": 64 * 25600}
    assert info["start_time"].startswith("2021-02-03T04:05:06")


@pytest.mark.parametrize("target", ["/decode/5", "/health", "/info"])
def test_head_answers_the_headers_of_get(server, target):
    with Connection(server.address) as connection:
        got = connection.get(target)
        head = connection.get(target, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]
        assert connection.get("/health").body == b"OK"


@pytest.mark.parametrize("target", ["/decode/5?x=1", "/health?x=1", "/info?x=1"])
def test_an_unknown_parameter_is_refused(server, target):
    expect_problem(get(server.address, target), 400)
