"""Many ids through many connections: all different, and each what it should be."""

import concurrent.futures
import time

import pytest

from harness import daemon, scaled
from http_client import Connection, get, request
from ids import (IDS_PER_TICK, from_binary, fullest_tick, is_increasing, machine_id_of, now_ms,
                 unix_ms_of)

CONNECTIONS = 8


def take_everywhere(function):
    """Runs function() in as many threads as there are connections; returns their results."""
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(lambda _: function(), range(CONNECTIONS)))


def test_100_000_ids_of_one_shard_are_all_different_and_on_time():
    rounds = scaled(25)  # of 500 ids each

    with daemon(env={"SHARD_ID": 4242}) as server:
        def take():
            values = []
            with Connection(server.address) as connection:
                for count in rounds * [1, 50, 449]:
                    before_ms = now_ms()
                    response = connection.get(f"/generate?count={count}&format=text")
                    answer = [int(line) for line in response.body.splitlines()]
                    after_ms = now_ms()
                    assert len(answer) == count
                    assert before_ms - 20 <= unix_ms_of(answer[0])
                    assert unix_ms_of(answer[-1]) <= after_ms + 20
                    values += answer
            return values

        streams = take_everywhere(take)

    assert all(is_increasing(values) for values in streams)
    everything = [value for values in streams for value in values]
    assert len(everything) == CONNECTIONS * rounds * 500
    assert len(set(everything)) == len(everything)
    assert {machine_id_of(value) for value in everything} == {4242}
    assert fullest_tick(everything) <= IDS_PER_TICK


def test_64_shards_give_many_ids_none_twice():
    batches = scaled(80)

    with daemon(env={"SHARD_ID": "0-63"}) as server:
        def take():
            bodies = []
            with Connection(server.address) as connection:
                for _ in range(batches):
                    response = connection.get("/generate?count=1000&format=binary")
                    assert (response.status, len(response.body)) == (200, 8000)
                    bodies.append(response.body)
            return b"".join(bodies)

        start = time.monotonic()
        streams = [from_binary(body) for body in take_everywhere(take)]
        elapsed_s = time.monotonic() - start

    assert all(is_increasing(values) for values in streams)
    everything = [value for values in streams for value in values]
    print(f"{len(everything) / elapsed_s:,.0f} ids/s as this client counts them")
    assert len(everything) == CONNECTIONS * batches * 1000
    assert len(set(everything)) == len(everything)
    assert {machine_id_of(value) for value in everything} == set(range(64))
    assert fullest_tick(everything) <= 64 * IDS_PER_TICK


@pytest.mark.parametrize("shard", [0, 1, 65535])
def test_every_number_of_a_shard_is_legal(shard):
    with daemon(env={"SHARD_ID": shard}) as server:
        values = get(server.address, "/generate?count=1000").json()["ids"]
    assert is_increasing(values)
    assert {machine_id_of(value) for value in values} == {shard}


def test_one_daemon_may_own_every_shard():
    with daemon(env={"SHARD_ID": "0-65535"}) as server, Connection(server.address) as connection:
        connection.send(10 * request("/generate?count=10000&format=binary"))
        values = []
        for _ in range(10):
            values += from_binary(connection.read_response().body)
    assert len(values) == 100_000
    assert is_increasing(values)
    assert len({machine_id_of(value) for value in values}) >= 5000
    assert all(now_ms() - 60_000 <= unix_ms_of(value) <= now_ms() + 20 for value in values)


def test_two_daemons_of_different_shards_never_collide():
    with daemon(env={"SHARD_ID": "10-19"}) as left, daemon(env={"SHARD_ID": "20-29"}) as right:
        values = []
        for _ in range(20):
            values += get(left.address, "/generate?count=500").json()["ids"]
            values += get(right.address, "/generate?count=500").json()["ids"]
    assert len(set(values)) == 20_000


def test_a_daemon_does_not_repeat_the_one_that_was_killed():
    """The second starts in the tick in which the first ended, or soon after."""
    values = []
    for _ in range(5):
        with daemon(env={"SHARD_ID": 7}) as server, Connection(server.address) as connection:
            values += [int(connection.get("/generate?format=text").body) for _ in range(50)]
            server.kill()
    assert is_increasing(values)
