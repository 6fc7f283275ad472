"""The rules, the dashboard and the manual: each is right, and they fit each other."""

import json
import re
import subprocess

import pytest
import yaml

import harness
from conftest import ROOT
from metrics import scrape

DEPLOY = ROOT / "docs" / "deploy"
RULES = DEPLOY / "prometheus" / "go-id.rules.yml"
TESTS = ROOT / "tests" / "monitoring" / "rules.test.yml"
MANUAL = (ROOT / "docs" / "metrics.md").read_text()


def promtool(*args):
    result = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True,
                            timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]]


def alerts():
    return [rule["alert"] for rule in rules() if "alert" in rule]


def dashboard():
    return json.loads((DEPLOY / "grafana" / "go-id.json").read_text())


def dashboard_expressions():
    return [target["expr"] for panel in dashboard()["panels"]
            for target in panel.get("targets", [])]


def test_prometheus_can_read_what_is_shipped():
    assert "SUCCESS" in promtool("check", "rules", RULES)
    assert "SUCCESS" in promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_every_alert_fires_when_it_should_and_only_then():
    assert "SUCCESS" in promtool("test", "rules", TESTS)


# Ranges of shards, of a process each, and the blocks that GoIdShardTwice names for them.
RANGES = [
    (["64-127", "64-127"], ["64-127"]),
    (["64-127", "100-200"], ["64-127"]),
    (["100-200", "64-127"], ["64-127"]),
    (["10-20", "15-30"], ["12-15", "16-23"]),
    (["0-65535", "7"], ["0-65535"]),
    (["1-1000", "999-2000", "2000-2001"], ["992-999", "1000-1007", "2000-2001"]),
    (["7", "8", "64-127", "128-1000"], []),
    (["10-20", "21-30", "0-9", "31-65535"], []),
]


def blocks_of(shards):
    """As a process with these shards tells them."""
    with harness.daemon(env={"SHARD_ID": shards}) as server:
        return scrape(server).all_of("go_id_shard_block")


def test_shards_that_two_processes_have_are_seen_whatever_their_ranges(tmp_path):
    """With what the daemon itself exports, and the rules as they are shipped."""
    tests = []
    for processes, twice in RANGES:
        series = [{"series": f'go_id_shard_block{{job="go-id", instance="{name}", shards="{shards}"}}',
                   "values": f"{value:.0f}x20"}
                  for name, process in enumerate(processes) for shards, value in blocks_of(process).items()]
        alerts_of = [{"exp_labels": {"job": "go-id", "shards": shards, "severity": "critical"},
                      "exp_annotations": {
                          "summary": f"Shards {shards}, or some of them, belong to more than one go-id"}}
                     for shards in twice]
        tests.append({"name": " and ".join(processes), "interval": "15s", "input_series": series,
                      "alert_rule_test": [{"alertname": "GoIdShardTwice", "eval_time": "3m",
                                           "exp_alerts": alerts_of}]})
    path = tmp_path / "shards.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": tests}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_every_alert_has_a_case_that_fires_and_one_that_stays_silent():
    cases = [case for group in yaml.safe_load(TESTS.read_text())["tests"]
             for case in group.get("alert_rule_test", [])]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(alerts())
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(alerts())


@pytest.mark.parametrize("alert", alerts())
def test_the_manual_says_what_to_do(alert):
    section = re.search(rf"^### {alert}\n(.*?)(?=^##|\Z)", MANUAL, re.MULTILINE | re.DOTALL)
    assert section, f"docs/metrics.md has no section {alert}"
    for part in ("**It means**", "**Look at**", "**Do**"):
        assert part in section[1], f"{alert}: no {part}"


def test_the_manual_knows_no_other_alerts():
    assert re.findall(r"^### (GoId\w+)$", MANUAL, re.MULTILINE) == alerts()


def test_rules_and_dashboard_use_what_there_is():
    """A metric that is renamed must not leave an alert behind that can never fire."""
    manual = set(re.findall(r"^\| `((?:go_id|process)_[a-z_]+)` \|", MANUAL, re.MULTILINE))
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for expression in [rule["expr"] for rule in rules()] + dashboard_expressions():
        used = set(re.findall(r"(?:[a-z_]+:)?(?:go_id|process)_[a-z0-9_]+(?::[a-z0-9_]+)?",
                              expression))
        assert used or "up{" in expression, expression
        for name in used:
            base = re.sub("_bucket$", "", name)
            assert base in manual or name in recorded, name


def test_the_panels_are_told_apart():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & places, f"{panel['title']} lies on another panel"
        assert place["x"] + place["w"] <= 24
        places |= cells
