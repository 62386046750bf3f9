"""The manifests for Kubernetes: valid, strict, and alike in what every pod must have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tasks.broker import QUEUE_OF_LANE
from tests.rigs.embedded import PROJECT

FOLDER = PROJECT / "deploy" / "kubernetes"
#: The oldest that is still given mends to, and the newest that the validator knows.
VERSIONS = ("1.33", kubernetes_validate.latest_version())
OBJECTS: dict[str, dict[str, Any]] = {
    f"{each['kind']}/{each['metadata']['name']}": each
    for path in sorted(FOLDER.glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
}
COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in OBJECTS.items():
        if "template" in each.get("spec", {}):
            yield name, each["spec"]["template"]["spec"]


def test_a_check_that_starts_a_python_has_time_for_it_where_the_machine_is_overloaded() -> None:
    # Else workers are ended because the machine is slow, and the others have more to do.
    checks = [
        probe
        for _, pod in pods()
        for container in pod["containers"]
        for kind, probe in container.items()
        if kind.endswith("Probe") and "python" in probe.get("exec", {}).get("command", [])
    ]
    assert len(checks) >= 6
    assert {probe["timeoutSeconds"] for probe in checks} == {30}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_what_the_schema_says(name: str, version: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)


def test_the_validator_notices_a_word_that_is_none() -> None:
    broken = {**OBJECTS["Deployment/notify-worker"], "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_there_is_a_deployment_for_each_service_and_a_budget_for_each_deployment() -> None:
    names = {"notify-worker", "notify-files-worker", "notify-console"}
    of_kind = {
        kind: {each["metadata"]["name"] for each in OBJECTS.values() if each["kind"] == kind}
        for kind in ("Deployment", "PodDisruptionBudget", "StatefulSet", "HorizontalPodAutoscaler")
    }
    assert of_kind == {
        "Deployment": names,
        "PodDisruptionBudget": names,
        "StatefulSet": {"notify-redis"},
        "HorizontalPodAutoscaler": {"notify-worker"},
    }
    for name in names:
        selected = OBJECTS[f"Deployment/{name}"]["spec"]["template"]["metadata"]["labels"]
        budget = OBJECTS[f"PodDisruptionBudget/{name}"]["spec"]
        assert budget["selector"]["matchLabels"] == selected
        assert OBJECTS[f"Deployment/{name}"]["spec"]["selector"]["matchLabels"] == selected


@pytest.mark.parametrize("name,pod", list(pods()), ids=[name for name, _ in pods()])
def test_a_pod_has_no_rights_three_probes_or_two_and_time_to_end(name: str, pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe"} <= set(container)
    # A Redis that is slow is not helped by being ended.
    assert ("livenessProbe" in container) == (name != "StatefulSet/notify-redis")
    assert pod["terminationGracePeriodSeconds"] >= 30
    assert "memory" in container["resources"]["limits"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    claimed = {each["metadata"]["name"] for each in OBJECTS[name]["spec"].get("volumeClaimTemplates", ())}
    assert mounted == {each["name"] for each in pod["volumes"]} | claimed


def test_pods_run_what_the_services_of_compose_run() -> None:
    for name in ("worker", "files-worker", "console"):
        (container,) = OBJECTS[f"Deployment/notify-{name}"]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == COMPOSE[name]["command"]
    (redis,) = OBJECTS["StatefulSet/notify-redis"]["spec"]["template"]["spec"]["containers"]
    assert [word for word in redis["args"] if word != "1gb"] == [
        word for word in COMPOSE["redis"]["command"] if "NOTIFY_REDIS_MEMORY" not in word
    ]


def test_each_signs_in_to_redis_as_a_user_of_its_own_by_secrets_that_the_page_makes() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (names,) = re.findall(r"^for name in ([a-z ]+); do$", page, re.MULTILINE)
    users = {"worker": "worker", "files-worker": "worker", "console": "console", "redis": "redis"}
    for full_name, pod in pods():
        name = full_name.partition("/")[2]
        secrets = {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
        user = users[name.removeprefix("notify-")]
        assert f"notify-access-{user}" in secrets
        assert secrets <= {f"notify-access-{user}", "notify-keys"}
        assert ("notify-keys" in secrets) == (user != "redis")
    assert {*users.values(), "publisher"} == {*names.split()}


def test_every_queue_is_served() -> None:
    queues = {
        queue
        for name in ("worker", "files-worker")
        for queue in OBJECTS[f"Deployment/notify-{name}"]["spec"]["template"]["spec"]["containers"][0][
            "args"
        ][-1].split(",")
    }
    assert queues == set(QUEUE_OF_LANE.values())


def test_workers_are_scaled_by_a_metric_that_they_tell() -> None:
    autoscaler = OBJECTS["HorizontalPodAutoscaler/notify-worker"]["spec"]
    (metric,) = autoscaler["metrics"]
    name = metric["external"]["metric"]["name"]
    assert f'"{name.removeprefix("notify_")}"' in (
        PROJECT / "tasks" / "metrics" / "fleet_gauges.py"
    ).read_text(encoding="utf-8")
    assert f"as: {name}" in (FOLDER / "README.md").read_text(encoding="utf-8")
    target = autoscaler["scaleTargetRef"]
    assert f"{target['kind']}/{target['name']}" in OBJECTS
