"""Clients that are slow, many, greedy or rude."""

import concurrent.futures
import contextlib
import fcntl
import random
import resource
import select
import socket
import struct
import termios
import time

import pytest

from harness import DEADLINE_S, daemon, wait_until
from http_client import Closed, Connection, get, request
from metrics import samples
from undisturbed import connections, scaled, undisturbed, welcome_newcomers

RUDE = 200
UNREAD_MAX = 512  # WORKSPACE_OUTPUTS_MAX
RESET = struct.pack("=ii", 1, 0)  # SO_LINGER: close() resets


def ended(clients):
    """Those whose connection the daemon has ended; what it answered before is read and dropped."""
    poll = select.poll()
    by_fd = {client.socket.fileno(): client for client in clients}
    for fd in by_fd:
        poll.register(fd, select.POLLIN | select.POLLHUP)
    found = []
    for fd, _ in poll.poll(0):
        try:
            data = by_fd[fd].socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            found.append(by_fd[fd])
    return found


def await_all_ended(clients, meanwhile=lambda client: None):
    """Waits until the daemon has ended every connection."""
    left = list(clients)

    def is_over():
        for client in ended(left):
            left.remove(client)
        for client in left:
            meanwhile(client)
        return not left

    wait_until(is_over, f"the end of all of {len(clients)} connections")


def test_slowloris(directory, report):
    """Heads that come a byte at a time are cut off after HEAD_TIMEOUT_MS."""
    def attack(server):
        with connections(server.address, scaled(200, 5000)) as clients:
            for client in clients:
                client.send(b"GET /generate HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            welcome_newcomers(server)
            await_all_ended(clients, lambda client: client.send_all_it_takes(b"x"))

    undisturbed(attack, directory, report, env={"HEAD_TIMEOUT_MS": 300})


def test_slow_readers(directory, report):
    """Answers that are not read are dropped after WRITE_TIMEOUT_MS.

    Half of the clients never read; half take a byte now and then, too few to be of use.
    """
    count = scaled(40, 400)

    def attack(server):
        before = server.descriptors()
        with connections(server.address, count, receive_buffer=4096) as clients:
            for client in clients:
                client.send(request("/generate?count=10000&format=text") * 100)

            def all_are_dropped():
                for client in clients[::2]:
                    with contextlib.suppress(ConnectionResetError, BlockingIOError):
                        client.socket.recv(1, socket.MSG_DONTWAIT)
                return server.descriptors() <= before

            wait_until(lambda: server.descriptors() > before, "the first connection")
            welcome_newcomers(server)
            wait_until(all_are_dropped, "the end of every connection")

    env = {"WRITE_TIMEOUT_MS": 300, "MAX_WAIT_MS": 20000, "SHARD_ID": "0-1023"}
    undisturbed(attack, directory, report, env=env, holding=count)


def is_full(client):
    """Whether nothing more arrives, though there is more: the answers' way is full."""
    before = waiting_bytes(client)
    time.sleep(0.05)
    return before > 0 and waiting_bytes(client) == before


def waiting_bytes(client):
    return struct.unpack("=i", fcntl.ioctl(client.socket, termios.FIONREAD, bytes(4)))[0]


def send_as_it_is_taken(client, chance):
    """Requests of any size, in pieces of any size, and reads nothing: the daemon stops at any point of its turn."""
    asked = request(chance.choice(("/health", "/decode/12345678")), "X: " + chance.randrange(400) * "x")
    data = 600_000 // len(asked) * asked
    client.socket.setblocking(False)
    refused = 0
    while data and refused < 40:
        try:
            data = data[client.socket.send(data[:chance.choice((2_000, 12_288, 30_000, 70_000))]):]
            refused = 0
        except BlockingIOError:
            refused += 1
            time.sleep(0.0003)
        except OSError:
            return


def test_more_slow_readers_than_there_is_room_for(directory):
    """Those that have read nothing for the longest time go; not the next one that pauses, and no one twice."""
    path = "/generate?count=2500&format=text"
    listen = (f"unix:{directory}/socket", "127.0.0.1:0")
    env = {"WORKERS": 1, "SHARD_ID": "0-1023", "MAX_WAIT_MS": 60000}
    chance = random.Random(5)
    with daemon(env=env, listen=listen) as server, contextlib.ExitStack() as stack:
        unix, tcp = server.addresses
        slow = [stack.enter_context(Connection(unix)) for _ in range(UNREAD_MAX + 100)]
        for client in slow:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.socket.send(200 * request(path))
        with Connection(unix) as good:
            good.send(40 * request(path))
            wait_until(lambda: is_full(good), "the good client's way to be full")
            for _ in range(40):
                response = good.read_response()
                assert (response.status, response.body.count(b"\n")) == (200, 2500)
        assert "event=unread_full" in server.log()
        for _ in range(RUDE):
            with Connection(unix) as rude:
                send_as_it_is_taken(rude, chance)
        opened = samples(get(tcp, "/metrics")).of("go_id_connections_opened_total")
        assert opened == len(slow) + 1 + RUDE + 1


def test_idle_connections(directory, report):
    """As many as there is room for; each still works after the others have come."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(scaled(1000, 10000), soft - 200)
    if count < 500:
        pytest.skip(f"only {soft} open files are allowed here")

    def attack(server):
        with connections(server.address, count) as clients:
            wait_until(lambda: server.descriptors() >= count, f"{count} connections")
            welcome_newcomers(server)
            for client in clients[::50]:
                assert client.get("/health").body == b"OK"

    undisturbed(attack, directory, report, env={"MAX_CONNECTIONS": count + 10})


def test_a_flood_above_max_connections(directory, report):
    """Those who are in go on; those who are not wait, give up, and take nothing with them."""
    def attack(server):
        for _ in range(scaled(5, 50)):
            with connections(server.address, 200) as clients:
                for client in clients:
                    client.send(request("/health"))

    undisturbed(attack, directory, report, env={"MAX_CONNECTIONS": 50})


def test_a_flood_from_one_address_against_its_limit(directory, report):
    """With MAX_CONNECTIONS_PER_CLIENT, whom one address would shut out gets in."""
    def attack(server):
        for _ in range(scaled(5, 50)):
            with connections(server.address, 200, source="127.0.0.9") as clients:
                for client in clients:
                    client.send_all_it_takes(request("/health"))
                with Connection(server.address, source="127.0.0.10") as other:
                    assert other.get("/generate").status == 200

    env = {"MAX_CONNECTIONS": 50, "MAX_CONNECTIONS_PER_CLIENT": 20}
    undisturbed(attack, directory, report, env=env)


def test_a_flood_of_requests_against_the_rate_limit(directory, report):
    """Who asks without end gets 429s; the others, of other addresses, their ids."""
    def attack(server):
        with connections(server.address, 8, source="127.0.0.9") as clients:
            for client in clients:
                client.send(request("/generate?count=10000") + request("/generate") * 500)
            statuses = [client.read_response().status for client in clients for _ in range(501)]
        assert statuses.count(429) > 0

    env = {"RATE_LIMIT": 100000, "RATE_LIMIT_BURST": 1000}
    undisturbed(attack, directory, report, env=env)


def test_endless_pipelines(directory, report):
    """Requests without end on some connections, their answers read as they come."""
    def pipeline(address, until):
        block = request("/generate") * 200
        pending = b""
        with Connection(address) as client:
            client.socket.setblocking(False)
            while time.monotonic() < until:
                select.select([client.socket], [client.socket], [], DEADLINE_S)
                pending = pending or block
                with contextlib.suppress(BlockingIOError):
                    pending = pending[client.socket.send(pending):]
                with contextlib.suppress(BlockingIOError):
                    assert client.socket.recv(1 << 18)

    def attack(server):
        until = time.monotonic() + scaled(1, 10)  # how much of it, not how long something may take
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            pipelines = [pool.submit(pipeline, server.address, until) for _ in range(4)]
            welcome_newcomers(server)
            for done in pipelines:
                done.result()

    undisturbed(attack, directory, report, holding=4)


def test_half_closed_sockets(directory, report):
    """Clients that say they have sent everything: with a request, with half of one, with none."""
    def attack(server):
        for data in (request("/generate"), request("/generate?count=10000"), b"GET /gen", b""):
            with connections(server.address, scaled(50, 1000)) as clients:
                for client in clients:
                    client.send(data)
                    client.end_sending()
                await_all_ended(clients)

    undisturbed(attack, directory, report, holding=scaled(50, 1000))


def test_a_storm_of_resets(directory, report):
    """Connections that are reset before, during and after their answer."""
    def reset(client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()

    def attack(server):
        for i in range(scaled(300, 10000)):
            client = Connection(server.address)
            if i % 4 > 0:
                client.send(request("/generate?count=10000" if i % 4 == 2 else "/generate"))
            if i % 4 == 3:
                with contextlib.suppress(Closed):
                    client.read_response()
            reset(client)
            if i % 100 == 0:
                welcome_newcomers(server)

    undisturbed(attack, directory, report)
