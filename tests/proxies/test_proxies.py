"""go-id behind HAProxy and nginx, configured as docs/deploy ships them."""

import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import tempfile

import pytest

import front
import harness
import http_client
import shims
from front import HOST, SHARDS
from metrics import scrape

CLIENTS = 4
HOUR_S = 3600

BASE = f"https://{HOST}:443"


@pytest.fixture(scope="module", params=sorted(front.COMMANDS))
def site(request):
    """(proxy's kind, directory, shards): three shards, and the proxy in front of them."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)  # nginx's workers are another user
        shards = [front.Shard(number, directory) for number in SHARDS]
        try:
            for shard in shards:
                shard.start()
            with front.proxy(request.param, directory) as process:
                harness.wait_until(lambda: process.poll() is not None or is_answered(directory),
                                   f"an answer through {request.param}")
                yield request.param, directory, shards
        finally:
            for shard in shards:
                shard.close()


def connect(directory, source=None):
    return http.client.HTTPSConnection(HOST, 443, context=front.tls_context(directory), timeout=harness.DEADLINE_S,
                                       source_address=(source, 0) if source else None)


def get(connection, path, fields=()):
    connection.request("GET", path, headers=dict(fields))
    response = connection.getresponse()
    return response.status, response.read()


def is_answered(directory):
    try:
        return get(connect(directory), "/health") == (200, b"OK")
    except OSError:
        return False


def curl(directory, count, path="/generate"):
    """(bodies, [(status, HTTP version)]) of so many requests over one HTTP/2 connection."""
    config = "".join(f'url = "{BASE}{path}"\n' for _ in range(count))
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--http2", "--cacert", directory / "cert.pem",
         "--write-out", r"\n%{http_code} %{http_version}\n", "--config", "-"],
        input=config.encode(), capture_output=True, timeout=harness.DEADLINE_S)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode() + text[-500:]
    return text, re.findall(r"^(\d+) ([\d.]+)$", text, re.MULTILINE)


def test_tls_and_both_versions_of_http_end_at_the_front(site):
    _, directory, _ = site
    for protocol in ("h2", "http/1.1"):
        context = front.tls_context(directory, [protocol])
        with socket.create_connection((HOST, 443)) as plain, context.wrap_socket(plain, server_hostname=HOST) as tls:
            assert tls.selected_alpn_protocol() == protocol
            assert tls.version() in ("TLSv1.2", "TLSv1.3")
    text, results = curl(directory, 30)
    assert results == [("200", "2")] * 30
    assert len(set(re.findall(r'"id":(\d+)', text))) == 30


def test_answers_come_through_as_they_are(site):
    _, directory, _ = site
    connection = connect(directory)
    status, body = get(connection, "/generate?count=10000")
    assert status == 200 and len(set(json.loads(body)["ids"])) == 10000
    status, body = get(connection, "/generate?count=0")
    assert status == 400 and json.loads(body)["status"] == 400
    assert get(connection, "/nothing")[0] == 404
    assert get(connection, "/health") == (200, b"OK")


def upstream_connections():
    """(shard's port, peer) of every connection to a shard that is established."""
    address = "".join(f"{int(part):02X}" for part in reversed(HOST.split(".")))
    found = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, peer, state = line.split()[:4]
        host, port = local.split(":")
        if host == address and int(port, 16) in (7001, 7002, 7003) and state == "01":
            found.add((int(port, 16), peer))
    return found


def test_connections_to_the_shards_are_kept(site):
    _, directory, _ = site
    connection = connect(directory)
    for _ in range(30):
        assert get(connection, "/generate")[0] == 200
    before = upstream_connections()
    for _ in range(300):
        assert get(connection, "/generate")[0] == 200
    kept = before & upstream_connections()
    assert {port for port, _ in kept} == {7001, 7002, 7003}


def http_1_client(directory):
    def run(load):
        connection = connect(directory)
        while not load.stopped():
            status, body = get(connection, "/generate")
            if status != 200:
                load.failed(f"{status} {body[:200]}")
                return
            load.got([json.loads(body)["id"]])

    return run


def http_2_client(directory):
    def run(load):
        while not load.stopped():
            text, results = curl(directory, 100)
            if results != [("200", "2")] * 100:
                load.failed(f"{[r for r in results if r[0] != '200']} {text[-300:]}")
                return
            load.got([int(one) for one in re.findall(r'"id":(\d+)', text)])

    return run


def test_a_crash_and_restarts_of_all_shards_fail_no_request(site):
    _, directory, shards = site
    load = front.Load()
    try:
        for _ in range(CLIENTS):
            load.run(http_1_client(directory))
        load.run(http_2_client(directory))
        load.wait_for_ids_of(SHARDS)

        shards[0].daemon.kill()
        load.wait_for_ids_of([2, 3])  # the others take over
        shards[0].start()
        load.wait_for_ids_of(SHARDS)  # and it is taken back

        for shard in shards:
            shard.stop()
            load.wait_for_ids_of([number for number in SHARDS if number != shard.number])
            shard.start()
            load.wait_for_ids_of(SHARDS)
    finally:
        load.stop()
    assert not load.failures, load.failures[:5]
    assert len(load.ids) == len(set(load.ids))


def refusals(shard):
    """How many requests for ids the shard has answered with 503."""
    return scrape(shard.daemon).get_of("go_id_requests_total", path="/generate", code="503")


def await_left_out(directory, shard):
    """HAProxy asks for /health; it says so when it takes a shard out, and why."""
    left_out = re.compile(rf"shards/shard{shard.number} is DOWN.* 503")
    harness.wait_until(lambda: left_out.search((directory / "proxy.log").read_text()), left_out.pattern)


def test_a_shard_that_refuses_is_left_out_until_it_can_again(site):
    """Its clock is an hour behind: it answers, and is as good as absent."""
    kind, directory, shards = site
    refusing = shards[0]
    load = front.Load()
    refusing.stop()
    with contextlib.closing(shims.Clock(directory / "clock")) as clock:
        refusing.start(**shims.environment(clock))
        try:
            for _ in range(CLIENTS):
                load.run(http_1_client(directory))
            load.wait_for_ids_of(SHARDS)
            clock.step(-HOUR_S)
            load.wait_for_ids_of([2, 3])
            if kind == "haproxy":  # nginx asks nobody: now and then it tries the shard with a request
                await_left_out(directory, refusing)
                before = refusals(refusing)
                load.wait_for_ids_of([2, 3], 500)
                assert refusals(refusing) - before <= CLIENTS  # those that were under way
            clock.step(HOUR_S)
            load.wait_for_ids_of(SHARDS)  # and it is taken back
        finally:
            load.stop()
            refusing.stop()
            refusing.start()
    assert not load.failures, load.failures[:5]
    assert len(load.ids) == len(set(load.ids))


def test_without_a_shard_there_is_an_error_and_then_service_again(site):
    _, directory, shards = site
    for shard in shards:
        shard.stop()
    assert get(connect(directory), "/generate")[0] in (502, 503)
    for shard in shards:
        shard.start()
    harness.wait_until(lambda: is_answered(directory), "service when the shards are back")
    assert get(connect(directory), "/generate")[0] == 200


def restart(shards, **env):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(front.Shard.stop, shards))
    for shard in shards:
        shard.start(**env)


def test_nobody_takes_another_address_through_the_front(site):
    """One client's buckets are emptied by a batch that takes hours to pay off: no machine is too slow."""
    _, directory, shards = site
    greedy, other = "127.0.0.8", "127.0.0.9"
    restart(shards, RATE_LIMIT=1, TRUSTED_PROXIES=f"127.0.0.1,{HOST}")
    for shard in shards:
        batch = http_client.get(shard.daemon.address, "/generate?count=10000", f"X-Forwarded-For: {greedy}")
        assert batch.status == 200
    try:
        harness.wait_until(lambda: is_answered(directory), "service when the shards are back")
        connection = connect(directory, greedy)
        for i in range(30):
            for forged in (f"192.0.2.{i}", f"192.0.2.{i}, {other}"):
                assert get(connection, "/generate", {"X-Forwarded-For": forged})[0] == 429
        assert get(connect(directory, other), "/generate")[0] == 200
    finally:
        restart(shards)
