"""Three shards side by side, as launch.sh brings them up: no id twice in a million."""

import array
import contextlib
import threading

import lxd
from documents import section

BATCH = 10_000
IDS_PER_SHARD = 340_000
SHARDS = {1: lxd.FIRST_PORT, 2: lxd.FIRST_PORT + 1, 3: lxd.FIRST_PORT + 2}


LAUNCH = section("docs/operations.md", "Further shards")[0]


def launch(command):
    return lxd.sh(f"cd {lxd.REPOSITORY} && {command}", timeout=300)


def take(port, ids):
    """Ids in the host's byte order, from the binary format."""
    while len(ids) < IDS_PER_SHARD:
        status, body = lxd.get(port, f"/generate?count={BATCH}&format=binary")
        if status != 200:
            return  # the count will say so
        part = array.array("Q", body)
        part.byteswap()
        ids.extend(part)


@contextlib.contextmanager
def launched():
    try:
        yield [launch(LAUNCH), launch(LAUNCH.replace("2", "3"))]
    finally:
        for shard in (2, 3):
            lxd.remove(f"go-id-shard{shard}")


def test_a_million_ids_of_three_shards(go_id):
    assert go_id.port == SHARDS[1]
    with launched() as said:
        assert "curl http://localhost:7002/generate" in said[0].stdout
        taken = {shard: array.array("Q") for shard in SHARDS}
        threads = [threading.Thread(target=take, args=(SHARDS[shard], taken[shard])) for shard in SHARDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        everything = set()
        for shard, ids in taken.items():
            assert len(ids) >= IDS_PER_SHARD
            assert all(number & 0xFFFF == shard for number in ids)
            everything.update(ids)
        assert len(everything) == sum(len(ids) for ids in taken.values()) >= 1_000_000


def test_a_shard_that_is_taken_is_refused(go_id):
    said = lxd.sh(f"{lxd.REPOSITORY}/out/image/launch.sh --shard 1 --port 7009", check=False)
    assert said.returncode == 1 and lxd.FIRST in said.stdout + said.stderr
    assert go_id.shard() == 1
