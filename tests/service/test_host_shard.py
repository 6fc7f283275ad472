"""SHARD_ID=hostname and SHARD_ID=ip: the shard that the host has.

Each daemon runs in a host name, or a network, of its own, which takes root.  Which text makes which
shard is in tests/unit/test_host_shard.c.
"""

import os
import subprocess

import pytest

from harness import DEADLINE_S, GO_ID, daemon, wait_until
from http_client import get
from ids import machine_id_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a host name of its own")

# On the loopback interface, which every network has; the order is that of their making.
ADDRESSES = "ip link set lo up; for a in {}; do ip address add $a dev lo; done"


def host_named(name):
    return ("unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name)


def network_with(*addresses):
    setup = ADDRESSES.format(" ".join(f"{address}/24" for address in addresses))
    return ("unshare", "--net", "sh", "-c", f'{setup}; exec "$@"', "sh")


def shard_of(server):
    return machine_id_of(get(server.address, "/generate").json()["id"])


def expect_logged(server, text):
    """Its last lines of the start come after the first answers."""
    wait_until(lambda: text in server.log(), f"{text!r} in the log")


def config(host, **env):
    """What `go-id config` says on a host."""
    return subprocess.run([*host, GO_ID, "config"], env={"PATH": os.environ["PATH"], **env},
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_the_host_name_makes_the_shard():
    env = {"SHARD_ID": "hostname", "SHARD_BASE": "64"}
    with daemon(env=env, tracer=host_named("go-id-3.ids.example.org")) as server:
        assert shard_of(server) == 67
        expect_logged(server, 'level=info event=shard_of_host shard=67 '
                              'host_name="go-id-3.ids.example.org" shard_base=64\n')


def test_another_name_means_nothing_to_a_process_that_runs(directory):
    """The next start goes by it: other shard, same state, behind its mark."""
    env = {"SHARD_ID": "hostname", "STATE_DIRECTORY": directory}
    with daemon(env=env, tracer=host_named("go-id-3")) as server:
        before = get(server.address, "/generate").json()["id"]
        subprocess.run(["nsenter", f"--uts=/proc/{server.pid}/ns/uts", "hostname", "go-id-4"],
                       check=True, timeout=DEADLINE_S)
        assert shard_of(server) == machine_id_of(before) == 3
    with daemon(env=env, tracer=host_named("go-id-4")) as server:
        after = get(server.address, "/generate").json()["id"]
        assert machine_id_of(after) == 4 and after > before


def test_the_state_of_another_host_with_the_same_number_is_refused(directory):
    env = {"SHARD_ID": "hostname", "STATE_DIRECTORY": directory}
    with daemon(env=env, tracer=host_named("go-id-3")) as server:
        assert shard_of(server) == 3
    serve = subprocess.run(
        [*host_named("other-3"), GO_ID, "serve", "--listen", "127.0.0.1:0"], capture_output=True,
        env={"PATH": os.environ["PATH"], "LOCK_DIRECTORY": str(directory),
             **{name: str(value) for name, value in env.items()}}, text=True, timeout=DEADLINE_S,
        check=False)
    assert serve.returncode == 1
    assert "the state belongs to instance go-id-3" in serve.stderr


def test_the_private_address_makes_the_shard(directory):
    listen = [f"unix:{directory}/socket"]
    network = network_with("203.0.113.10", "10.9.3.7")
    with daemon(env={"SHARD_ID": "ip"}, tracer=network, listen=listen) as server:
        assert shard_of(server) == 3 * 256 + 7
        expect_logged(server, 'level=info event=shard_of_host shard=775 interface="lo" '
                              "address=10.9.3.7 private_addresses=1\n")


def test_of_several_the_first_is_taken_and_there_is_a_warning(directory):
    listen = [f"unix:{directory}/socket"]
    network = network_with("192.168.1.2", "10.9.3.7", "172.17.0.1")
    with daemon(env={"SHARD_ID": "ip"}, tracer=network, listen=listen) as server:
        assert shard_of(server) == 258
        expect_logged(server, 'level=warn event=shard_of_host shard=258 interface="lo" '
                              "address=192.168.1.2 private_addresses=3 hint=")


def test_config_shows_the_shard_and_is_a_config_file_all_the_same():
    done = config(host_named("ids-12"), SHARD_ID="hostname")
    assert done.returncode == 0
    assert '# from the environment\n# shard 12: host_name="ids-12" shard_base=0\n' \
           'SHARD_ID="hostname"\n' in done.stdout
    done = config(network_with("10.9.3.7"), SHARD_ID="ip")
    assert '# shard 775: interface="lo" address=10.9.3.7 private_addresses=1\n' in done.stdout


@pytest.mark.parametrize("host, env, message", [
    (host_named("ids"), {"SHARD_ID": "hostname"}, 'the host name "ids" does not end in a number'),
    (host_named("ids-3"), {"SHARD_ID": "hostname", "SHARD_BASE": "65533"}, "are above 65535"),
    (host_named("ids-3"), {"SHARD_ID": "hostname", "TOTAL_SHARDS": "2"},
     "SHARD_ID 3 is above TOTAL_SHARDS 2"),
    (network_with("203.0.113.10"), {"SHARD_ID": "ip"}, "no interface has a private IPv4 address"),
], ids=["no number", "too large", "above the total", "no address"])
def test_a_host_that_makes_no_shard_is_told_what_to_do(host, env, message):
    done = config(host, **env)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("settings: ") and message in done.stderr
    assert "SHARD_ID to a number" in done.stderr or "correct one" in done.stderr
