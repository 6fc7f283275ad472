"""The rules, the dashboard and the manual: each is right, and they fit each other."""

import json
import re
import subprocess

import pytest
import yaml

from conftest import ROOT

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
