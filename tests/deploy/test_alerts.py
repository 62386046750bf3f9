"""Alerts: they fire when they should, speak of what exists, and lead to a page that says what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from prometheus_client import CollectorRegistry

from settings_store.store import SettingsStore
from tasks.metrics import FleetGauges, ProcessTally
from tests.rigs.embedded import PROJECT
from tests.rigs.processes import require_program

FOLDER = PROJECT / "deploy" / "prometheus"
RUNBOOK = PROJECT / "docs" / "runbook"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
METRIC = re.compile(r"\bnotify_[a-z_]+")
SELECTED = re.compile(r"\b(notify_[a-z_]+)\{([a-z]+)=~?\"([^\"]+)\"\}")


@pytest.fixture
def told(redis_server: redis.Redis) -> CollectorRegistry:
    """What a process tells of an empty installation."""
    registry = CollectorRegistry()
    ProcessTally(registry)
    registry.register(FleetGauges(redis_server, SettingsStore(redis_server).snapshot))
    return registry


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    program = require_program("promtool")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_promtool_takes_the_rules_and_they_fire_when_they_should() -> None:
    checked = promtool("check", "rules", str(FOLDER / "alerts.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", str(FOLDER / "alerts_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_rule_that_never_fires_is_noticed(tmp_path: Path) -> None:
    for name in ("alerts.yml", "alerts_test.yml"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("max(notify_workers) == 0", "max(notify_workers) < 0"))
    tested = promtool("test", "rules", str(tmp_path / "alerts_test.yml"))
    assert tested.returncode != 0
    assert "NotifyNoWorkers" in tested.stdout + tested.stderr


def test_every_rule_has_a_test_in_which_it_fires() -> None:
    tests = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in RULES if f'{{alertname="{rule["alert"]}"}}' not in tests] == []


def test_every_metric_and_label_of_a_rule_exists(told: CollectorRegistry) -> None:
    known = {sample.name for family in told.collect() for sample in family.samples}
    known |= {family.name for family in told.collect()} | {"notify_redis_memory_ratio"}
    values = {
        (sample.name, label, value)
        for family in told.collect()
        for sample in family.samples
        for label, value in sample.labels.items()
    }
    for rule in RULES:
        assert set(METRIC.findall(rule["expr"])) <= known, rule["alert"]
        for name, label, wanted in SELECTED.findall(rule["expr"]):
            assert {(name, label, value) for value in wanted.split("|")} <= values, rule["alert"]


def test_every_rule_leads_to_a_page_and_every_page_is_led_to() -> None:
    linked = {rule["annotations"]["runbook_url"] for rule in RULES}
    pages = {str(path.relative_to(PROJECT)) for path in RUNBOOK.glob("*.md")}
    assert linked == pages - {"docs/runbook/dead-letters.md", "docs/runbook/README.md"}
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]


@pytest.mark.parametrize("page", sorted(RUNBOOK.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_says_what_it_means_what_to_look_at_and_what_to_do(page: Path) -> None:
    if page.stem != "README":
        text = page.read_text(encoding="utf-8")
        for heading in ("**What it means.**", "**What to look at.**", "**What to do.**"):
            assert heading in text
