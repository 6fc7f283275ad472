"""A real Prometheus has exactly what clients got, and can answer what the dashboard asks."""

import pytest

from chrony import chronyd
from conftest import prometheus
from harness import daemon, wait_until
from http_client import Connection
from test_rules import alerts, dashboard_expressions, rules

SINGLES, BATCHES, BATCH = 300, 20, 500


@pytest.fixture(scope="module", name="world")
def fixture_world():
    """Two daemons, one of which goes by an NTP server, and a Prometheus that watches them."""
    with chronyd() as ntp, \
         daemon(env={"SHARD_ID": "7", "WORKERS": 2}) as plain, \
         daemon(env={"SHARD_ID": "64-127", "TIME_SOURCE": f"ntp:{ntp.name}"}) as large, \
         prometheus(plain, large) as watcher:
        yield plain, large, watcher


def instance(server):
    host, port = server.address
    return f'job="go-id", instance="{host}:{port}"'


def test_it_has_exactly_what_the_client_got(world):
    plain, _, watcher = world
    got, refused = 0, 0
    with Connection(plain.address) as connection:
        for _ in range(SINGLES):
            assert connection.get("/generate").status == 200
            got += 1
        for _ in range(BATCHES):
            response = connection.get(f"/generate?count={BATCH}")
            got += len(response.json()["ids"])
        for _ in range(3):
            assert connection.get("/generate?count=none").status == 400
            refused += 1
    of = instance(plain)
    path = f'{of}, path="/generate"'
    wait_until(lambda: watcher.value(f'go_id_requests_total{{{path}, code="400"}}') == refused,
               "Prometheus to have what came last")
    assert watcher.value(f"go_id_ids_issued_total{{{of}}}") == got
    assert watcher.value(f'go_id_requests_total{{{path}, code="200"}}') == SINGLES + BATCHES
    assert watcher.value(f"go_id_wait_seconds_count{{{of}}}") == SINGLES + BATCHES
    assert watcher.value(f'go_id_shard_info{{{of}, first="7", last="7"}}') == 1
    assert watcher.value(f"sum(go_id_worker_requests_total{{{of}}}) - "
                         f"sum(go_id_requests_total{{{of}}})") == 0


def test_it_asked_for_openmetrics_and_understood_it_all(world):
    plain, large, watcher = world
    for server in (plain, large):
        wait_until(lambda of=instance(server): watcher.value(f"up{{{of}}}") == 1, "a scrape")
        targets = [target for target in watcher.ask("targets")["activeTargets"]
                   if target["labels"]["instance"] == "{}:{}".format(*server.address)]
        assert [target["lastError"] for target in targets] == [""]
    types = {name: entries[0]["type"] for name, entries in watcher.ask("metadata").items()}
    assert types["go_id_build"] == "info"  # the word of OpenMetrics, and of it alone
    assert types["go_id_wait_seconds"] == "histogram"


def test_it_evaluates_every_rule(world):
    _, _, watcher = world

    def evaluated():
        found = [rule for group in watcher.ask("rules")["groups"] for rule in group["rules"]]
        assert len(found) == len(rules())
        assert not [rule for rule in found if rule.get("lastError")], found
        return all(rule["health"] == "ok" for rule in found)

    wait_until(evaluated, "all rules to be evaluated")
    assert len(alerts()) > 10


def test_recorded_figures_have_values(world):
    plain, _, watcher = world
    with Connection(plain.address) as connection:
        for name in [rule["record"] for rule in rules() if "record" in rule]:
            def has_value(name=name):
                assert connection.get("/generate").status == 200
                return any(value == value for _, value in watcher.query(name))
            wait_until(has_value, f"{name} to have a value that is a number")


def test_every_query_of_the_dashboard_has_an_answer(world):
    """As Grafana asks it, for all instances; rates need two scrapes, and time."""
    plain, large, watcher = world
    with Connection(plain.address) as one, Connection(large.address) as other:
        for expression in dashboard_expressions():
            query = expression.replace("$instance", ".*").replace("$__rate_interval", "1m")
            assert "$" not in query

            def has_answer(query=query):
                assert one.get("/generate").status == other.get("/generate").status == 200
                return watcher.query(query)
            if "process_open_fds" in query and not watcher.query("process_open_fds"):
                continue  # before Linux 6.2 there is no such figure
            wait_until(has_answer, f"an answer to {query}")


def test_a_daemon_that_is_gone_is_noticed(world):
    """The alert itself comes after a minute; that it is on its way is seen at once."""
    plain, _, _ = world
    with daemon(env={"SHARD_ID": "9"}) as short_lived, prometheus(short_lived, plain) as watcher:
        of = instance(short_lived)
        wait_until(lambda: watcher.value(f"up{{{of}}}") == 1, "a scrape")
        short_lived.stop()
        pending = f'ALERTS{{alertname="GoIdDown", alertstate="pending", {of}}}'
        wait_until(lambda: watcher.value(pending) == 1, "the alert to be pending")
        assert watcher.value(f"up{{{of}}}") == 0
        other = f'ALERTS{{alertname="GoIdDown", {instance(plain)}}}'  # one slow scrape is no death
        wait_until(lambda: not watcher.query(other), "no alert for the other one")
