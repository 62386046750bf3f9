"""`compose.yaml` keeps what it promises, as far as reading it tells; `deploy/rehearse` runs it."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.broker import QUEUE_OF_LANE
from tests.rigs.embedded import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "redis"}
LASTING = {name: each for name, each in SERVICES.items() if each.get("restart") == "unless-stopped"}


def test_the_services_are_those_of_the_readme() -> None:
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert plain == {"secrets", "redis", "worker", "files-worker", "console", "flower"}
    assert demo == {"inbox-primary", "inbox-secondary", "inbox-options"}


def test_nothing_keeps_a_worker_from_being_scaled() -> None:
    for name, service in SERVICES.items():
        assert "container_name" not in service, name
        assert "hostname" not in service, name
    assert "ports" not in SERVICES["worker"]
    assert "ports" not in SERVICES["files-worker"]


def test_ports_are_on_loopback_and_can_be_moved() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\$\{NOTIFY_[A-Z]+_PORT:-\d+\}:\d+", port), port


def test_the_ledger_is_on_disk_before_anybody_hears_so() -> None:
    command = [str(word) for word in SERVICES["redis"]["command"]]
    told = dict(itertools.pairwise(command))
    assert told["--appendonly"] == "yes"
    assert told["--appendfsync"] == "always"
    assert told["--maxmemory-policy"] == "noeviction"
    assert "--maxmemory" in told
    assert "redis:/data" in SERVICES["redis"]["volumes"]
    assert told["--dir"] == "/data"


def test_every_queue_is_served_and_files_by_workers_of_their_own() -> None:
    served = {name: _queues(SERVICES[name]["command"]) for name in ("worker", "files-worker")}
    assert served["files-worker"] == {QUEUE_OF_LANE["files"]}
    assert served["worker"] == set(QUEUE_OF_LANE.values()) - {QUEUE_OF_LANE["files"]}


def _queues(command: list[str]) -> set[str]:
    return set(command[command.index("-Q") + 1].split(","))


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_rights_and_cannot_write_into_the_image(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service
    assert "privileged" not in service


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_has_a_health_check_and_time_to_end(name: str) -> None:
    service = LASTING[name]
    # That of the image, a worker's, where it has none of its own.
    assert "healthcheck" in service or name in {"worker", "files-worker"}
    assert "test" in service.get("healthcheck", {"test": []})
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30
    assert service["logging"]["options"]["max-size"]


def test_an_inbox_ends_by_the_signal_that_its_program_knows() -> None:
    # aiosmtpd as the first process would sit out the whole grace on any other.
    for name in ("inbox-primary", "inbox-secondary"):
        assert "aiosmtpd" in SERVICES[name]["command"]
        assert SERVICES[name]["stop_signal"] == "SIGINT"
    assert all("stop_signal" not in each for name, each in SERVICES.items() if "inbox-" not in name)


def test_no_secret_is_in_a_variable_and_keys_are_seen_by_those_who_need_them_alone() -> None:
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            assert variable.endswith("_FILE") or variable in {"NOTIFY_METRICS_PORT", "NOTIFY_FLOWER_URL"}, (
                name
            )
            assert "password" not in str(value)
    seeing = {
        name for name, service in SERVICES.items() for each in service["volumes"] if each.startswith("keys:")
    }
    assert seeing == {"secrets", "worker", "files-worker", "console", "inbox-options"}
    writing = {
        name
        for name, service in SERVICES.items()
        for each in service["volumes"]
        if each.startswith(("keys:", "access-")) and not each.endswith(":ro")
    }
    assert writing == {"secrets"}


def test_the_console_links_to_where_flower_is_on_this_machine() -> None:
    (port,) = SERVICES["flower"]["ports"]
    address, published, _ = re.fullmatch(r"([\d.]+):(\$\{.+\}):(\d+)", port).groups()  # type: ignore[union-attr]
    assert SERVICES["console"]["environment"]["NOTIFY_FLOWER_URL"] == f"http://{address}:{published}/"


def test_each_service_signs_in_to_redis_as_a_user_of_its_own_and_sees_no_other_s_password() -> None:
    users = {
        "worker": "worker",
        "files-worker": "worker",
        "console": "console",
        "inbox-options": "console",
        "flower": "flower",
        "redis": "redis",
    }
    for name, user in users.items():
        seen = [each for each in SERVICES[name]["volumes"] if each.startswith("access-")]
        assert seen == [f"access-{user}:/run/access:ro"], name
    made = [each for each in SERVICES["secrets"]["volumes"] if each.startswith("access-")]
    assert sorted(made) == sorted(
        f"access-{user}:/run/users/{user}" for user in {*users.values(), "publisher"}
    )
    told = dict(itertools.pairwise(SERVICES["redis"]["command"]))
    assert told["--aclfile"] == "/run/access/users.acl"


def test_the_first_start_makes_every_file_that_a_service_reads_and_the_second_leaves_them(
    tmp_path: Path,
) -> None:
    script = (PROJECT / "deploy" / "container" / "make-secrets").read_text(encoding="utf-8")
    places = {
        "/run/users": tmp_path / "users",
        "/run/keys": tmp_path / "keys",
        "/usr/local/share/notify-redis": PROJECT / "deploy" / "redis",
    }
    for place, instead in places.items():
        assert place in script
        script = script.replace(place, str(instead))
    for name in ("worker", "console", "flower", "publisher"):
        (tmp_path / "users" / name).mkdir(parents=True, mode=0o700)
    (tmp_path / "keys").mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run() -> dict[str, bytes]:
        subprocess.run(["sh", "-c", script], check=True, env={"PATH": path}, capture_output=True)
        files = [each for each in tmp_path.rglob("*") if each.is_file()]
        return {str(each.relative_to(tmp_path)): each.read_bytes() for each in files}

    made = run()
    names = ("worker", "console", "flower", "publisher")
    assert set(made) == {
        "keys/keys.json",
        "users/redis/users.acl",
        "users/redis/admin-password",
        "users/flower/flower-password",
        *(f"users/{name}/redis-url" for name in names),
    }
    assert run() == made


def test_volumes_are_declared_and_used() -> None:
    used = {each.partition(":")[0] for service in SERVICES.values() for each in service["volumes"]}
    assert used == set(COMPOSE["volumes"])


def test_scripts_that_services_run_exist_and_may_be_run() -> None:
    scripts = {path.name: path for path in (PROJECT / "deploy" / "container").iterdir()}
    run = {service["command"][0] for service in OURS.values()}
    assert set(scripts) == run - {"celery", "notify", "python"}
    for path in (*scripts.values(), PROJECT / "deploy" / "rehearse"):
        assert path.stat().st_mode & 0o111, path
        assert path.read_text(encoding="utf-8").startswith("#!")


def test_what_must_wait_for_redis_waits_until_it_is_well() -> None:
    assert SERVICES["redis"]["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
    for name in ("worker", "files-worker", "console", "flower", "inbox-options"):
        assert SERVICES[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}, name


def _dockerfile() -> list[str]:
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_s_root() -> None:
    lines = _dockerfile()
    stages = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[stages[-1] :]
    assert len(stages) == 2
    user = next(line.split()[1] for line in reversed(last) if line.startswith("USER "))
    assert int(user.split(":")[0]) > 0
    assert last.index(f"USER {user}") > max(
        place for place, line in enumerate(last) if line.startswith("RUN ")
    )
    for tool in ("pip", "apt", "curl"):
        assert not any(re.search(rf"\b{tool}\b", line) for line in last if line.startswith("RUN ")), tool


def test_the_image_has_pinned_packages_one_process_and_a_check_by_sign_of_life() -> None:
    lines = _dockerfile()
    assert any("--require-hashes" in line for line in lines)
    # A shell before the worker would get the signal in its place.
    assert [line for line in lines if line.startswith("CMD ")][-1].startswith('CMD ["celery"')
    (check,) = (line for line in lines if line.startswith("HEALTHCHECK "))
    assert '["python", "-m", "workers.alive"]' in check
    assert "--timeout=30s" in check
    assert "STOPSIGNAL SIGTERM" in lines
    assert not any(line.startswith(("ADD ", "ENTRYPOINT ")) for line in lines)


def test_what_the_image_copies_exists_and_passes_the_ignore_file() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = [
        source.rstrip("/")
        for line in _dockerfile()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert set(copied) == let_in
    assert all((PROJECT / source).exists() for source in copied)


def test_every_file_of_a_package_is_in_what_is_installed() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    for package in ("settings_store", "tasks", "workers", "console"):
        for path in (PROJECT / package).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                assert any(Path(path.name).match(pattern) for pattern in patterns), path
