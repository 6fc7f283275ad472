"""Limits per client: connections, requests, and who a client is behind a proxy.

Every address of 127.0.0.0/8 is this machine, so one test has as many clients as it likes.  Buckets
fill by a token a second, and are emptied by a batch that takes hours to pay off, so that no test
can be too slow.
"""

import contextlib
import socket
import struct

import pytest

from harness import daemon, run_to_end, wait_until
from http_client import Closed, Connection, expect_problem, get, request

SLOWEST = {"RATE_LIMIT": 1}  # a token a second
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(source, command=0x21):
    """A header of the PROXY protocol, version 2, for a client at source."""
    if ":" in source:
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(
            socket.AF_INET6, "::1")
        family = 0x21
    else:
        addresses = socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
        family = 0x11
    body = addresses + struct.pack("!HH", 40000, 7001)
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def ask(address, target, *fields, source="127.0.0.1", preface=b""):
    with Connection(address, source=source) as connection:
        connection.send(preface + request(target, *fields))
        return connection.read_response()


def use_up(address, *fields, **options):
    """Takes all that a client who has a full bucket will get for hours."""
    assert ask(address, "/generate?count=10000", *fields, **options).status == 200
    refused = ask(address, "/generate", *fields, **options)
    assert "used up RATE_LIMIT, " in expect_problem(refused, 429)
    return refused


# ---- Rate ----------------------------------------------------------------------------------------


def test_a_client_without_a_token_gets_429_and_others_do_not():
    with daemon(env={**SLOWEST, "RATE_LIMIT_BURST": 20}) as server:
        statuses = []
        while 429 not in statuses:  # a slow machine is given one more a second
            statuses.append(ask(server.address, "/generate").status)
        assert statuses.index(429) >= 20 and set(statuses[:-1]) == {200}
        assert ask(server.address, "/generate", source="127.0.0.2").status == 200


def test_batches_cost_an_id_each_and_health_nothing():
    with daemon(env={**SLOWEST, "RATE_LIMIT_BURST": 30000, "SHARD_ID": "64-127"}) as server:
        with Connection(server.address) as client:
            for _ in range(2):
                assert client.get("/generate?count=10000").status == 200
            assert client.get("/generate?count=9999").status == 200
            # One is left, and a few more for each second that this took: not as many as this takes.
            refused = client.get("/generate?count=10000")
            expect_problem(refused, 429)
            assert 1 <= int(refused.headers["retry-after"]) <= 10000
            assert client.get("/health").body == b"OK"
            assert client.get("/generate", method="HEAD").status == 200


def test_a_batch_beyond_the_burst_is_paid_off():
    with daemon(env={**SLOWEST, "RATE_LIMIT_BURST": 5}) as server:
        refused = use_up(server.address)
        assert 9000 < int(refused.headers["retry-after"]) <= 10000
        assert get(server.address, "/health").body == b"OK"
        expect_problem(ask(server.address, "/nothing-here"), 429)


TOKEN = "Authorization: Bearer a-token-of-this-test"
COSTLY = {  # what anybody may ask: target, fields, method, and the status that it gets for a token
    "without a token": ("/generate", [], "GET", 401),
    "with a wrong token": ("/generate?count=3", ["Authorization: Bearer " + "x" * 16], "GET", 401),
    "a wrong token for nothing": ("/nothing", ["Authorization: Bearer " + "x" * 16], "GET", 401),
    "a method": ("/generate", [TOKEN], "DELETE", 405),
    "a method for nothing": ("/nothing", [TOKEN], "DELETE", 405),
    "a path": ("/nothing", [TOKEN], "GET", 404),
    "a malformed path": ("/%zz", [TOKEN], "GET", 400),
    "a count": ("/generate?count=0", [TOKEN], "GET", 400),
    "a malformed query": ("/generate?%zz", [TOKEN], "GET", 400),
}


@pytest.mark.parametrize("case", COSTLY)
def test_what_is_refused_costs_a_token_too(case, directory):
    target, fields, method, status = COSTLY[case]
    tokens = directory / "tokens"
    tokens.write_text("a-token-of-this-test\n", encoding="utf-8")
    tokens.chmod(0o600)
    env = {**SLOWEST, "RATE_LIMIT_BURST": 60, "AUTH_TOKEN_FILE": tokens}
    with daemon(env=env) as server, Connection(server.address) as client:
        statuses = []
        while 429 not in statuses and len(statuses) < 4000:  # a second gives one more
            client.send(request(target, *fields, method=method) * 50)
            statuses += [client.read_response().status for _ in range(50)]
        assert statuses[:60] == [status] * 60 and set(statuses) == {status, 429}
        assert client.get("/health").body == b"OK"
        # A good token does not show, either.
        assert client.get("/generate?count=10000", TOKEN).status == 429
        assert ask(server.address, "/generate", TOKEN, source="127.0.0.2").status == 200


def test_one_bucket_serves_all_workers_and_connections():
    env = {**SLOWEST, "RATE_LIMIT_BURST": 200, "WORKERS": 4, "SHARD_ID": "64-127"}
    with daemon(env=env) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address)) for _ in range(16)]
        for client in clients:
            client.send(request("/generate") * 50)
        statuses = [client.read_response().status for client in clients for _ in range(50)]
        assert set(statuses) == {200, 429}
        assert 200 <= statuses.count(200) < 400


def test_after_a_429_the_connection_serves_on():
    with daemon(env={**SLOWEST, "RATE_LIMIT_BURST": 1}) as server:
        with Connection(server.address) as client:
            client.send(request("/generate?count=10000") + request("/generate") + request("/health"))
            assert client.read_response().status == 200
            expect_problem(client.read_response(), 429)
            assert client.read_response().body == b"OK"


def test_clients_of_a_unix_socket_have_no_limit(directory):
    with daemon(env={**SLOWEST, "RATE_LIMIT_BURST": 1}, listen=[f"unix:{directory}/s"]) as server:
        for _ in range(50):
            assert get(server.address, "/generate").status == 200


# ---- Proxies -------------------------------------------------------------------------------------


def test_x_forwarded_for_is_believed_from_a_trusted_proxy_only():
    env = {**SLOWEST, "RATE_LIMIT_BURST": 10, "TRUSTED_PROXIES": "127.0.0.9,10.0.0.0/8"}
    with daemon(env=env) as server:
        def through_proxy(addresses):
            return {"source": "127.0.0.9"}, f"X-Forwarded-For: {addresses}"

        options, field = through_proxy("192.0.2.1")
        use_up(server.address, field, **options)
        for addresses in ("203.0.113.5, 192.0.2.1", "192.0.2.1, 10.1.2.3"):
            options, field = through_proxy(addresses)
            assert ask(server.address, "/generate", field, **options).status == 429
        options, field = through_proxy("192.0.2.2")
        assert ask(server.address, "/generate", field, **options).status == 200
        # Anybody else only speaks for himself, whatever he says.
        use_up(server.address, "X-Forwarded-For: 192.0.2.3", source="127.0.0.8")
        assert ask(server.address, "/generate", "X-Forwarded-For: 192.0.2.4",
                   source="127.0.0.8").status == 429
        options, field = through_proxy("192.0.2.3")
        assert ask(server.address, "/generate", field, **options).status == 200


PROXY = {**SLOWEST, "RATE_LIMIT_BURST": 10, "TRUSTED_PROXIES": "127.0.0.9", "PROXY_PROTOCOL": 1}


@pytest.mark.parametrize("client, other", [("192.0.2.1", "192.0.2.2"),
                                           ("2001:db8::1", "2001:db8:0:1::1")])
def test_the_proxy_protocol_says_who_the_client_is(client, other):
    with daemon(env=PROXY) as server:
        use_up(server.address, source="127.0.0.9", preface=header(client))
        assert ask(server.address, "/generate", source="127.0.0.9",
                   preface=header(other)).status == 200
        # A header for itself (LOCAL): the proxy is one more client.
        assert ask(server.address, "/generate", source="127.0.0.9",
                   preface=header(client, command=0x20)).status == 200


@pytest.mark.parametrize("family", [0x00, 0x31])
def test_behind_a_header_without_an_ip_address_nobody_is_believed(family):
    """Unspecified, or a Unix socket: what follows is a stranger's, and not the proxy's own."""
    preface = SIGNATURE + struct.pack("!BBH", 0x21, family, 0)
    with daemon(env=PROXY) as server:
        use_up(server.address, "X-Forwarded-For: 192.0.2.1", source="127.0.0.9", preface=preface)
        for i in range(10):
            assert ask(server.address, "/generate", f"X-Forwarded-For: 192.0.2.{i}",
                       source="127.0.0.9", preface=preface).status == 429
        # The proxy that speaks for itself (LOCAL) is believed.
        assert ask(server.address, "/generate", "X-Forwarded-For: 192.0.2.1", source="127.0.0.9",
                   preface=header("192.0.2.9", command=0x20)).status == 200


def test_a_header_may_come_in_pieces_and_serves_the_whole_connection():
    with daemon(env=PROXY) as server, Connection(server.address, source="127.0.0.9") as client:
        for byte in header("192.0.2.1"):
            client.send(bytes([byte]))
        assert client.get("/generate?count=10000").status == 200
        assert client.get("/generate").status == 429


def test_a_trusted_proxy_without_a_header_is_cut_off_and_a_stranger_with_one_is_refused():
    with daemon(env=PROXY) as server:
        with Connection(server.address, source="127.0.0.9") as client:
            client.send(request("/generate"))
            with pytest.raises(Closed):
                client.read_response()
        wait_until(lambda: "event=no_proxy_header" in server.log(), "a line in the log")
        with Connection(server.address, source="127.0.0.8") as client:
            client.send(header("192.0.2.1") + request("/generate"))
            expect_problem(client.read_response(), 400)
        assert ask(server.address, "/generate", source="127.0.0.8").status == 200


def test_a_unix_socket_may_be_a_proxys(directory):
    env = {**PROXY, "TRUSTED_PROXIES": "unix"}
    with daemon(env=env, listen=[f"unix:{directory}/s"]) as server:
        with Connection(server.address) as client:
            client.send(header("192.0.2.1") + request("/generate?count=10000"))
            assert client.read_response().status == 200
        with Connection(server.address) as client:
            client.send(header("192.0.2.1") + request("/generate"))
            expect_problem(client.read_response(), 429)


def test_the_health_command_begins_as_a_proxy_where_it_is_taken_for_one():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {"TRUSTED_PROXIES": "127.0.0.0/8", "PROXY_PROTOCOL": "1", "SERVICE_PORT": str(port)}
    with daemon(env=env, listen=[f"127.0.0.1:{port}"]):
        done = run_to_end(["health"], env=env)
        assert (done.returncode, done.stdout) == (0, "OK\n")


# ---- Connections ---------------------------------------------------------------------------------


def test_a_client_with_too_many_connections_is_turned_away_and_others_are_not():
    with daemon(env={"MAX_CONNECTIONS_PER_CLIENT": 3}) as server, contextlib.ExitStack() as stack:
        def connect(source):
            return stack.enter_context(Connection(server.address, source=source))

        three = [connect("127.0.0.1") for _ in range(3)]
        for client in three:
            assert client.get("/health").body == b"OK"
        for _ in range(5):
            fourth = connect("127.0.0.1")
            assert "connections" in expect_problem(fourth.read_response(), 429)
            fourth.expect_close()
        for _ in range(3):
            assert connect("127.0.0.2").get("/generate").status == 200
        three[0].close()

        def has_room():
            client = connect("127.0.0.1")
            try:
                client.send_all_it_takes(request("/health"))
                return client.read_response().status == 200
            except Closed:
                return False

        wait_until(has_room, "room for one more")
        assert "event=client_full" in server.log()


def test_a_proxy_may_have_any_number_of_connections():
    env = {"MAX_CONNECTIONS_PER_CLIENT": 1, "TRUSTED_PROXIES": "127.0.0.9"}
    with daemon(env=env) as server, contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(Connection(server.address, source="127.0.0.9"))
            assert client.get("/health").body == b"OK"


def test_a_client_behind_the_proxy_protocol_has_as_many_as_it_may():
    env = {**PROXY, "RATE_LIMIT": 1000, "MAX_CONNECTIONS_PER_CLIENT": 2, "WORKERS": 4}
    with daemon(env=env) as server, contextlib.ExitStack() as stack:
        def connect(client, command=0x21):
            connection = stack.enter_context(Connection(server.address, source="127.0.0.9"))
            connection.send(header(client, command))
            connection.send_all_it_takes(request("/health"))
            return connection, connection.read_response()

        held = [connect("192.0.2.1") for _ in range(2)]
        assert [answer.status for _, answer in held] == [200, 200]
        for _ in range(8):
            third, answer = connect("192.0.2.1")
            assert "connections" in expect_problem(answer, 429)
            assert answer.headers["retry-after"] == "1" and answer.announces_close
            third.expect_close()
        for _ in range(2):
            assert connect("192.0.2.2")[1].status == 200
        for _ in range(10):  # the proxy's own are not counted
            assert connect("192.0.2.1", command=0x20)[1].status == 200
        held[0][0].close()
        wait_until(lambda: connect("192.0.2.1")[1].status == 200, "room for one more")
        assert connect("192.0.2.1")[1].status == 429
        assert "event=client_full" in server.log()


def test_counts_come_back_to_nothing():
    with daemon(env={"MAX_CONNECTIONS_PER_CLIENT": 2, "WORKERS": 2}) as server:
        before = server.descriptors()
        for _ in range(100):
            with Connection(server.address) as client:
                client.send(request("/health"))
                try:
                    client.read_response()
                except Closed:
                    pass
            wait_until(lambda: server.descriptors() <= before, "the connection to end")
        with Connection(server.address) as one, Connection(server.address) as two:
            assert one.get("/health").body == b"OK" and two.get("/health").body == b"OK"
