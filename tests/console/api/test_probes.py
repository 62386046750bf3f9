"""What surroundings ask: whether it lives, whether it is ready, and what it counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
import requests

from tasks.fleet import Fleet, WorkerLife, redis_clock
from tests.rigs.api_client import ApiClient, problem
from tests.rigs.console import Console, running_console
from tests.rigs.processes import wait_until
from tests.rigs.severable import severable


def probe(client: ApiClient, path: str) -> requests.Response:
    return client.http.get(client.root + path, timeout=60)


def wait_status(client: ApiClient, path: str, status: int) -> requests.Response:
    """Its answer is kept for a second."""
    wait_until(lambda: probe(client, path).status_code == status, seconds=30, what=f"{path} being {status}")
    return probe(client, path)


def test_it_is_ready_with_a_worker_and_without_one_for_those_who_leave_workers_out(
    guest: ApiClient, redis_server: redis.Redis
) -> None:
    alone = wait_status(guest, "/readyz", 503).json()
    assert alone == {
        "ready": False,
        "checks": {"redis": "ok", "ledger": "ok", "workers": "none is alive, nothing is sent"},
    }
    assert probe(guest, "/readyz?exclude=workers").json() == {
        "ready": True,
        "checks": {"redis": "ok", "ledger": "ok"},
    }
    Fleet(redis_server).beat("w1", WorkerLife(), at_ms=redis_clock(redis_server)[0])
    assert wait_status(guest, "/readyz", 200).json()["ready"]


def test_it_is_not_ready_where_nothing_can_be_accepted(guest: ApiClient, redis_server: redis.Redis) -> None:
    redis_server.config_set("maxmemory", int(redis_server.info("memory")["used_memory"]) + 1000)
    try:
        full = wait_status(guest, "/readyz?exclude=workers", 503).json()
        assert full["checks"]["ledger"] == "Redis is nearly full, nothing is accepted"
    finally:
        redis_server.config_set("maxmemory", 0)
    wait_status(guest, "/readyz?exclude=workers", 200)


def test_it_lives_and_says_so_without_redis_and_is_ready_again_with_it(
    valkey_url: str, redis_server: redis.Redis, tmp_path: Path
) -> None:
    del redis_server
    with (
        severable(valkey_url) as way,
        running_console(f"redis://127.0.0.1:{way.port}/0", tmp_path) as console,
    ):
        client = ApiClient(console.address, "ntf_000000000000_" + "A" * 43)
        wait_status(client, "/readyz?exclude=workers", 200)
        way.cut()
        assert probe(client, "/livez").text == "ok\n"
        away = wait_status(client, "/readyz?exclude=workers", 503).json()
        assert set(away["checks"].values()) == {"Redis does not answer"}
        told = client.get("/options")
        assert problem(told, 503)["type"] == "urn:notify:problem:redis-away"
        assert told.headers["Retry-After"] == "5"
        way.mend()
        wait_status(client, "/readyz?exclude=workers", 200)
        assert problem(client.get("/options"), 401)
        assert "console_defect" not in console.log


def test_metrics_count_by_route_and_never_by_path(guest: ApiClient) -> None:
    for path in (
        "/sign-in?next=secret.recipient@private.example",
        "/messages/secret.recipient@private.example",
        "/nothing/secret.recipient@private.example",
    ):
        probe(guest, path)
    guest.get("/notifications/secret.recipient@private.example")
    text = probe(guest, "/metrics").text
    assert "private" not in text
    for labels in (
        'method="GET",route="/sign-in",status="200"',
        'method="GET",route="/api/v1/notifications/{message_id}",status="401"',
    ):
        assert f"notify_console_request_seconds_count{{{labels}}}" in text
    assert 'route="other",status="404"' in text
    assert "process_resident_memory_bytes" in text


def test_metrics_tell_how_the_fleet_stands_as_every_worker_does(guest: ApiClient) -> None:
    text = probe(guest, "/metrics").text
    for line in ("notify_redis_up 1.0", 'notify_notifications{state="failed"} 0.0'):
        assert line in text.splitlines()
    # What this process accepted before is counted too.
    assert '\nnotify_accepted_total{channel="email",priority="normal"} ' in text


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_they_are_asked_by_get_alone(guest: ApiClient, path: str) -> None:
    answer = guest.http.post(guest.root + path, timeout=60)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_console_that_is_asked_to_stop_finishes_and_ends_without_a_fault(
    valkey_url: str, tmp_path: Path, redis_server: redis.Redis
) -> None:
    del redis_server
    with running_console(valkey_url, tmp_path) as console:
        assert requests.get(f"{console.address}/livez", timeout=60).ok
        assert isinstance(console, Console)
        assert console.stop() == 0
        assert "Traceback" not in console.log
