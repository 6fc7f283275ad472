"""GET /metrics: what it says is what happened, no more and no less."""

import contextlib
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import SLOW, daemon, scaled, wait_until
from http_client import Connection, expect_problem, get, request
from metrics import OPENMETRICS, PROMETHEUS_ACCEPT, families, samples, scrape

MANUAL = pathlib.Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"\| `((?:go_id|process)_[a-z_]+)` \| (\w+) \|(.*?)\| (.*) \|")


def manual():
    """{name: (type, label names, help)} as the tables of docs/metrics.md have it."""
    rows = [ROW.fullmatch(line) for line in MANUAL.read_text().splitlines()]
    return {row[1]: (row[2], set(re.findall("`([a-z]+)`", row[3])), row[4].replace("`", ""))
            for row in rows if row}


# ---- What there is ------------------------------------------------------------------------------


def of_a_daemon(env):
    """What it says of itself, in the manual's terms."""
    with daemon(env=env) as server:
        response = get(server.address, "/metrics", f"Accept: {OPENMETRICS}")
        result = {}
        for family in families(response):
            for sample in family.samples:
                name = re.sub("_(bucket|count|sum)$", "", sample.name) \
                    if family.type == "histogram" else sample.name
                labels = set(sample.labels) - ({"le"} if family.type == "histogram" else set())
                result[name] = family.type, labels, family.documentation
        return result


def test_it_is_what_the_manual_says():
    """Every metric is in the manual, with type, labels and words; and the other way round."""
    has = of_a_daemon({})
    with_ntp = of_a_daemon({"TIME_SOURCE": "ntp:127.0.0.1:9"})
    says = manual()
    assert {name: says.get(name) for name in with_ntp} == with_ntp
    assert set(has) < set(with_ntp)
    only_with_answers = {f"go_id_ntp_{name}" for name in (
        "offset_seconds", "delay_seconds", "error_max_seconds", "last_answer_age_seconds",
        "stratum")}
    assert set(says) - set(with_ntp) - {"process_open_fds"} == only_with_answers


def test_both_formats_say_the_same():
    with daemon() as server, Connection(server.address) as connection:
        connection.get("/generate?count=7")
        text = samples(connection.get("/metrics"))
        open_text = samples(connection.get("/metrics", PROMETHEUS_ACCEPT))
    assert set(text) == set(open_text)
    key = "go_id_ids_issued_total", ()
    assert text[key] == open_text[key] == 7


@pytest.mark.parametrize("accept, is_openmetrics", [
    (None, False),
    ("*/*", False),
    ("text/plain", False),
    ("application/*", False),
    ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    ("application/json", False),
    (OPENMETRICS, True),
    (f"{OPENMETRICS};version=1.0.0", True),
    (PROMETHEUS_ACCEPT.partition(": ")[2], True),
    (f"{OPENMETRICS};q=0.1,text/plain", False),
    (f"{OPENMETRICS};q=0", False),
    ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
])
def test_who_asks_for_openmetrics_gets_it(server, accept, is_openmetrics):
    response = get(server.address, "/metrics", *([f"Accept: {accept}"] if accept else []))
    assert response.headers["content-type"].startswith(OPENMETRICS) == is_openmetrics
    assert response.body.endswith(b"# EOF\n") == is_openmetrics
    assert families(response)


def test_promtool_finds_nothing_to_say(server):
    body = get(server.address, "/metrics").body
    result = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_the_rules_of_every_path_hold(server):
    with Connection(server.address) as connection:
        head = connection.get("/metrics", method="HEAD")
        assert head.status == 200 and head.body == b""
        assert int(head.headers["content-length"]) > 0
        whole = connection.get("/metrics")
        assert set(head.headers) == set(whole.headers)
        assert whole.headers["cache-control"] == "no-store"
        expect_problem(connection.get("/metrics?x=1"), 400)
        expect_problem(connection.get("/metrics/"), 404)
        expect_problem(connection.get("/metrics", method="POST"), 405)


def test_it_is_answered_in_its_place_in_a_pipeline(server):
    """Answers that do not fit the buffer together come in turn, each of them whole."""
    count = 40
    with Connection(server.address) as connection:
        connection.send((request("/metrics") + request("/generate")
                         + request("/metrics", "Content-Length: 5", body=b"12345")) * count)
        last = 0
        for _ in range(count):
            first = samples(connection.read_response())
            value = connection.read_response().json()["id"]
            assert value > last
            last = value
            second = samples(connection.read_response())
            issued = "go_id_ids_issued_total", ()
            assert second[issued] == first[issued] + 1


def test_a_client_that_takes_it_in_crumbs_gets_all_of_it(server):
    with Connection(server.address, receive_buffer=1) as connection:
        connection.send(request("/metrics", PROMETHEUS_ACCEPT) * 200)
        for _ in range(200):
            assert samples(connection.read_response())


# ---- Counting -----------------------------------------------------------------------------------

ASKED = [
    # target, method, path it is counted under, code, ids
    ("/generate", "GET", "/generate", 200, 1),
    ("/generate?count=10", "GET", "/generate", 200, 10),
    ("/generate?count=9000&format=text", "GET", "/generate", 200, 9000),
    ("/%67enerate", "GET", "/generate", 200, 1),
    ("/generate", "HEAD", "/generate", 200, 0),
    ("/generate?count=0", "GET", "/generate", 400, 0),
    ("/decode/1", "GET", "/decode/", 200, 0),
    ("/decode/x", "GET", "/decode/", 400, 0),
    ("/health", "GET", "/health", 200, 0),
    ("/ready", "GET", "/ready", 200, 0),
    ("/info?x", "GET", "/info", 400, 0),
    ("/metrics?x", "GET", "/metrics", 400, 0),
    ("/openapi.yaml", "GET", "/openapi.yaml", 200, 0),
    ("/nothing", "GET", "other", 404, 0),
    ("/%2f", "GET", "other", 400, 0),
    ("/generate", "DELETE", "other", 405, 0),
]


def test_every_request_is_counted_once_under_its_path_and_code():
    repeats = scaled(5)
    with daemon(env={"SHARD_ID": "0-63", "WORKERS": 2}) as server, \
         contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address)) for _ in range(4)]
        watcher = clients[0]
        before = scrape(watcher)
        expected, ids = {}, 0
        for target, method, path, code, count in ASKED:
            for i in range(repeats):
                response = clients[i % 4].get(target, method=method)
                assert response.status == code, (target, response)
                expected[path, code] = expected.get((path, code), 0) + 1
                ids += count
        after = scrape(watcher)
        expected["/metrics", 200] = 1  # the scrape before; one does not count itself

    changed = {}
    for (name, labels), value in after.items():
        if name == "go_id_requests_total" and value != before.get((name, labels), 0):
            labels = dict(labels)
            changed[labels["path"], int(labels["code"])] = \
                value - before.get((name, tuple(sorted(labels.items()))), 0)
    assert changed == expected
    assert after.of("go_id_ids_issued_total") - before.of("go_id_ids_issued_total") == ids
    assert after.sum_of("go_id_worker_requests_total") == after.sum_of("go_id_requests_total")
    made = sum(1 for row in ASKED if row[4] > 0) * repeats
    assert after.of("go_id_wait_seconds_count") == made


@pytest.mark.parametrize("junk, code", [
    (b"\x16\x03\x01", 400),
    (b"GET / HTTP/2.0\r\n\r\n", 505),
    (b"GET /" + b"x" * 5000, 414),
    (request("/health", "Transfer-Encoding: gzip"), 501),
    (request("/health", "Expect: a miracle"), 417),
    (request("/health", "Content-Length: 70000"), 413),
])
def test_what_is_no_request_is_counted_too(server, junk, code):
    before = scrape(server)
    with Connection(server.address) as connection:
        connection.send_all_it_takes(junk)
        expect_problem(connection.read_response(), code)
    labels = {"path": "other", "code": str(code)}
    after = scrape(server)
    assert after.of("go_id_requests_total", **labels) == \
        before.get_of("go_id_requests_total", **labels) + 1


def test_what_is_refused_for_want_of_ids_is_counted_with_the_reason():
    """A whole tick's ids again and again, and nobody may wait: what clients count, it counts."""
    burst = 20
    codes = []
    with daemon(env={"SHARD_ID": 7, "MAX_WAIT_MS": 0}) as server:
        with Connection(server.address) as connection:
            while codes.count(503) < 10:  # however slow the machine: two come within one tick
                connection.send(request("/generate?count=256&format=binary") * burst)
                codes += [connection.read_response().status for _ in range(burst)]
        after = scrape(server)
    made = codes.count(200)
    refused = codes.count(503)
    assert after.sum_of("go_id_generate_refused_total") == refused
    # Nearly all of them: a tick may also lie behind a mark that is just being moved.
    assert after.of("go_id_generate_refused_total", reason="queue") > 0
    assert after.of("go_id_requests_total", path="/generate", code="503") == refused
    assert after.of("go_id_requests_total", path="/generate", code="200") == made
    assert after.of("go_id_ids_issued_total") == 256 * made
    assert made + refused == len(codes)


def test_waiting_is_seen_while_it_lasts_and_in_the_histogram_afterwards():
    """10,000 ids of one shard take 40 ticks."""
    with daemon(env={"SHARD_ID": 7, "WORKERS": 1}) as server, \
         Connection(server.address) as big, Connection(server.address) as watcher:
        def seen():
            big.send(request("/generate?count=10000"))
            during = scrape(watcher)
            assert len(big.read_response().json()["ids"]) == 10000
            return during if during.of("go_id_promised_ids") else None

        during = wait_until(seen, "a scrape that comes between order and answer")
        assert during.of("go_id_requests_waiting") == 1
        assert during.of("go_id_connections", state="wait") == 1
        assert during.of("go_id_connections", state="head") == 1
        assert during.of("go_id_requests_in_flight") == 1
        after = scrape(watcher)
    assert after.of("go_id_requests_waiting") == 0
    assert after.of("go_id_promised_ids") == 0
    at_once = after.of("go_id_wait_seconds_bucket", le="0.1")
    assert after.of("go_id_wait_seconds_count") > at_once == 0
    assert after.of("go_id_wait_seconds_sum") > 0.1 * after.of("go_id_wait_seconds_count")


# ---- Gauges -------------------------------------------------------------------------------------


def test_connections_are_counted_by_what_they_do():
    with daemon(env={"WORKERS": 2, "MAX_CONNECTIONS": 50}) as server, \
         contextlib.ExitStack() as stack:
        watcher = stack.enter_context(Connection(server.address))

        def settle(expected):
            """A scrape takes no lock: while a worker counts, its sums may differ by what it is at."""
            def settled():
                metrics = scrape(watcher)
                states = metrics.all_of("go_id_connections")
                return {state: value for state, value in states.items() if value} == expected and \
                    metrics.sum_of("go_id_worker_connections") == sum(states.values())
            wait_until(settled, f"connections: {expected}")

        settle({"head": 1})
        idle = [stack.enter_context(Connection(server.address)) for _ in range(5)]
        for client in idle:
            client.get("/health")
        settle({"head": 6})
        with Connection(server.address) as slow:
            slow.send(request("/health", "Content-Length: 10", body=b"123"))
            settle({"head": 6, "body": 1})
        with Connection(server.address) as last:
            last.send(request("/health", "Connection: close"))
            assert last.read_response().status == 200
        for client in idle:
            client.close()
        settle({"head": 1})
        metrics = scrape(watcher)
        assert metrics.of("go_id_connections_opened_total") == 8
        assert metrics.of("go_id_connections_max") == 50


def test_an_answer_that_is_not_taken_is_in_flight():
    """Small ones and large ones, each of more bytes than the buffers of both sides hold."""
    with daemon(env={"SHARD_ID": "0-65535", "WORKERS": 1, "WRITE_TIMEOUT_MS": 60000}) as server, \
         Connection(server.address) as watcher:
        for target in ("/openapi.yaml", "/generate?count=10000"):
            with Connection(server.address, receive_buffer=4096) as slow:
                slow.send_all_it_takes(request(target) * 1000)
                wait_until(lambda: scrape(watcher).of("go_id_requests_in_flight") == 1, f"{target} in flight")
            wait_until(lambda: scrape(watcher).of("go_id_requests_in_flight") == 0, f"{target} is over")


def test_it_says_what_ready_and_info_say(server):
    with Connection(server.address) as connection:
        connection.get("/generate")
        metrics = scrape(connection)
        ready = connection.get("/ready").json()
        info = connection.get("/info").json()
    assert metrics.of("go_id_ready") == ready["ready"]
    words = ["ok", "degraded", "failed"]
    assert {name: words[int(value)] for name, value in
            metrics.all_of("go_id_condition").items()} == \
        {name: entry["condition"] for name, entry in ready["conditions"].items()}
    assert metrics.of("go_id_shards") == info["shards"]["count"]
    assert metrics.of("go_id_capacity_ids_per_second") == info["limits"]["ids_per_second"]
    assert metrics.of("go_id_build_info", version=info["version"]) == 1
    assert metrics.of("go_id_clock_lead_max_seconds") * 1000 == \
        ready["conditions"]["lead"]["max_ms"]
    left = ready["conditions"]["lifetime"]["left_s"]
    assert left <= metrics.of("go_id_id_space_left_seconds") <= left + 60
    assert metrics.of("go_id_mark_write_seconds_count") >= 1


def test_the_process_is_the_one_that_answers(server):
    metrics = scrape(server)
    if ("process_open_fds", ()) in metrics:
        assert metrics.of("process_open_fds") in range(server.descriptors() - 1,
                                                       server.descriptors() + 2)
    assert 0 < metrics.of("process_resident_memory_bytes") / 1024 < 2 * server.resident_kib()
    assert metrics.of("process_virtual_memory_bytes") > \
        metrics.of("process_resident_memory_bytes")
    started = pathlib.Path(f"/proc/{server.pid}").stat().st_mtime
    assert abs(metrics.of("process_start_time_seconds") - started) < 60
    later = wait_until(lambda: scrape(server) if scrape(server).of("process_cpu_seconds_total")
                       > metrics.of("process_cpu_seconds_total") else None, "some CPU time")
    assert later.of("process_start_time_seconds") == metrics.of("process_start_time_seconds")


# ---- Cost ---------------------------------------------------------------------------------------

# What a scrape may ask of the kernel besides what any request does.
QUIET = {"epoll_pwait2", "epoll_wait", "epoll_pwait", "recvfrom", "sendto", "clock_gettime",
         "pread64", "prlimit64", "getrlimit", "newfstatat", "stat", "adjtimex", "clock_adjtime"}


@pytest.mark.skipif(SLOW, reason="a sanitizer allocates and locks as it likes")
def test_a_scrape_takes_no_lock_and_allocates_nothing(directory):
    """Seen from outside: between two marks in the trace there is no futex, brk, mmap or open."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    probe = subprocess.run([strace, "-f", "true"], capture_output=True, check=False, timeout=60)
    if probe.returncode != 0:
        pytest.skip(f"strace does not work here: {probe.stderr.decode().strip()}")
    log = directory / "trace"
    tracer = [strace, "-D", "-f", "-qq", "-s", "30", "-o", str(log)]
    with daemon(env={"WORKERS": 1}, tracer=tracer) as server, \
         Connection(server.address) as connection:
        for target in ("/decode/1", *["/metrics"] * 20, "/decode/2"):
            assert connection.get(target).status == 200
        wait_until(lambda: "GET /decode/2" in log.read_text(), "the trace to be written")
        lines = log.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if "GET /decode/1" in line)
    last = next(i for i, line in enumerate(lines) if "GET /decode/2" in line)
    worker = lines[first].split()[0]  # what the other threads do meanwhile is their affair
    calls = [line.split()[1].partition("(")[0] for line in lines[first:last]
             if re.match(rf"{worker} +[a-z]", line)]
    assert len(calls) > 20
    assert set(calls) <= QUIET, sorted(set(calls) - QUIET)
