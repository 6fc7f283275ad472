"""GET /generate: one id or many, as JSON."""

import re

import pytest

from harness import daemon
from http_client import Connection, expect_problem, get, request
from ids import (is_increasing, machine_id_of, now_ms, sequence_of, tick_of, unix_ms_of)

DAEMON = {"env": {"SHARD_ID": "64-127"}}

ONE = re.compile(rb'\{"id":([1-9][0-9]*),"timestamp":([1-9][0-9]*)\}')
MANY = re.compile(rb'\{"ids":\[[1-9][0-9]*(?:,[1-9][0-9]*)*\],"timestamp":[1-9][0-9]*\}')


def test_the_answer_is_exactly_as_documented(server):
    response = get(server.address, "/generate")
    assert response.status == 200
    assert ONE.fullmatch(response.body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


def test_the_timestamp_is_the_second_of_the_ids_own_tick(server):
    with Connection(server.address) as connection:
        for _ in range(100):
            answer = connection.get("/generate").json()
            assert answer["timestamp"] == unix_ms_of(answer["id"]) // 1000


def test_an_id_bears_the_time_at_which_it_was_asked_for(server):
    with Connection(server.address) as connection:
        for _ in range(100):
            before_ms = now_ms()
            value = connection.get("/generate").json()["id"]
            assert before_ms - 20 <= unix_ms_of(value) <= now_ms() + 20


def test_ids_bear_the_machine_ids_of_the_shards(server):
    values = get(server.address, "/generate?count=10000").json()["ids"]
    assert {machine_id_of(value) for value in values} == set(range(64, 128))


def test_ids_on_one_connection_increase(server):
    with Connection(server.address) as connection:
        values = [connection.get("/generate").json()["id"] for _ in range(600)]
    assert is_increasing(values)


def test_ids_increase_from_one_connection_to_the_next(server):
    values = []
    with Connection(server.address) as left, Connection(server.address) as right:
        for _ in range(200):
            values.append(left.get("/generate").json()["id"])
            values += right.get("/generate?count=2").json()["ids"]
    assert is_increasing(values)


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 255, 256, 257, 1000, 9999, 10000])
def test_a_count_gives_so_many_increasing_ids(server, count):
    response = get(server.address, f"/generate?count={count}")
    assert response.status == 200
    assert MANY.fullmatch(response.body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert len(answer["ids"]) == count
    assert is_increasing(answer["ids"])


def test_the_timestamp_of_many_is_that_of_the_last(server):
    with Connection(server.address) as connection:
        for _ in range(20):
            answer = connection.get("/generate?count=5000").json()
            assert answer["timestamp"] == unix_ms_of(answer["ids"][-1]) // 1000


def test_max_batch_bounds_the_count():
    with daemon(env={"MAX_BATCH": 5}) as server:
        assert len(get(server.address, "/generate?count=5").json()["ids"]) == 5
        detail = expect_problem(get(server.address, "/generate?count=6"), 400)
        assert "5" in detail


def test_without_shard_id_the_machine_id_is_1_and_the_log_says_so():
    with daemon() as server:
        assert machine_id_of(get(server.address, "/generate").json()["id"]) == 1
        assert "SHARD_ID" in server.log()


@pytest.mark.parametrize("target", ["/generate", "/generate?count=3&format=binary"])
def test_head_answers_headers_alone(server, target):
    with Connection(server.address) as connection:
        body_type = connection.get(target).headers["content-type"]
        response = connection.get(target, method="HEAD")
        assert (response.status, response.body) == (200, b"")
        assert response.headers["content-type"] == body_type
        assert response.headers["cache-control"] == "no-store"
        assert connection.get("/health").body == b"OK"


def test_head_burns_no_id():
    """Between two ids of one tick there is a gap exactly if somebody else took one."""
    burst = (request("/generate") + 20 * request("/generate?count=9", method="HEAD")
             + request("/generate"))
    seen_in_one_tick = 0
    with daemon(env={"SHARD_ID": 7}) as server, Connection(server.address) as connection:
        for _ in range(100):
            connection.send(burst)
            first = connection.read_response().json()["id"]
            for _ in range(20):
                assert connection.read_response(head=True).status == 200
            second = connection.read_response().json()["id"]
            if tick_of(first) == tick_of(second):
                seen_in_one_tick += 1
                assert sequence_of(second) == sequence_of(first) + 1
    assert seen_in_one_tick > 0
