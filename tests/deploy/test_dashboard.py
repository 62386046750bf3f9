"""The dashboard for Grafana asks for what is told, by queries that Prometheus takes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import redis
import yaml
from prometheus_client import CollectorRegistry

from settings_store.store import SettingsStore
from tasks.metrics import FleetGauges, ProcessTally
from tests.rigs.embedded import PROJECT
from tests.rigs.processes import require_program

DASHBOARD: dict[str, Any] = json.loads(
    (PROJECT / "deploy" / "grafana" / "notify.json").read_text(encoding="utf-8")
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES: list[str] = [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_every_metric_and_label_value_of_a_query_exists(redis_server: redis.Redis) -> None:
    registry = CollectorRegistry()
    ProcessTally(registry)
    registry.register(FleetGauges(redis_server, SettingsStore(redis_server).snapshot))
    families = list(registry.collect())
    samples = [sample for family in families for sample in family.samples]
    # The last two have no sample where there is no limit, and no last day.
    known = {sample.name for sample in samples} | {"notify_redis_memory_ratio", "notify_secret_days_left"}
    values = {(sample.name, label, value) for sample in samples for label, value in sample.labels.items()}
    for query in QUERIES:
        assert set(re.findall(r"\bnotify_[a-z_]+", query)) <= known, query
        for name, label, wanted in re.findall(r"\b(notify_[a-z_]+)\{([a-z]+)[!=~]+\"([^\"]+)\"\}", query):
            assert {(name, label, value) for value in wanted.split("|")} <= values, query


def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{place}", "expr": query} for place, query in enumerate(QUERIES)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    program = require_program("promtool")
    checked = subprocess.run(
        [program, "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_panels_say_what_they_show_and_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
