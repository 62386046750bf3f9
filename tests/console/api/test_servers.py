"""Servers over HTTP: how they do, a test by a real worker, a pause and its end."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from settings_store.access import Access
from settings_store.audit_row import Wanted
from settings_store.store import SettingsStore
from tests.rigs.api_client import ApiClient, problem
from tests.rigs.embedded import clean_environment
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import free_port, wait_until
from tests.rigs.worker import running_worker

HOST = "primary_email.server_name"
PORT = "primary_email.server_port"


@pytest.fixture
def store(redis_server: redis.Redis) -> SettingsStore:
    return SettingsStore(redis_server)


def test_a_server_is_paused_for_a_reason_and_resumed(
    api: ApiClient, store: SettingsStore, access: Access
) -> None:
    assert problem(api.post("/servers/primary_email/pause", {"reason": "x"}), 409)["type"].endswith("not-set")
    store.change({HOST: "127.0.0.1"}, author="test")
    refused = [{}, {"reason": " "}, {"reason": "\x1f"}, {"reason": "\x1c\x1d"}, {"reason": "x" * 201}]
    for document in (*refused, {"reason": "x", "seconds": 0}, {"reason": "x", "seconds": "1"}):
        assert problem(api.post("/servers/primary_email/pause", document), 422)
    done = api.post("/servers/primary_email/pause", {"reason": "patch day", "seconds": 600}).json()
    assert done == {"server": "primary_email", "before": "closed", "also": []}
    listed = api.get("/servers").json()
    (primary,) = [each for each in listed["servers"] if each["name"] == "primary_email"]
    assert (primary["state"], primary["reason"], primary["paused_by"]) == ("paused", "patch day", "token:ci")
    assert listed["channels"]["email"]["condition"] == "down"
    assert api.post("/servers/primary_email/resume").json()["before"] == "paused"
    actions = [(row.action, row.actor, row.source) for row in access.audit.rows(Wanted(action="server"))]
    assert actions == [
        ("server.resume", "token:ci", "api 127.0.0.1"),
        ("server.pause", "token:ci", "api 127.0.0.1"),
    ]


@pytest.mark.parametrize("name", ["nothing", "primary_email%0A", "general"])
def test_a_server_that_is_none_is_refused(api: ApiClient, name: str) -> None:
    assert api.post(f"/servers/{name}/pause", {"reason": "x"}).status_code in {404, 422}
    assert api.post(f"/servers/{name}/resume").headers["Content-Type"] == "application/problem+json"


def test_a_worker_makes_the_test_also_of_values_that_are_not_saved(
    api: ApiClient, api_keys: Path, valkey_url: str, tmp_path: Path
) -> None:
    environ = clean_environment(tmp_path / "home", NOTIFY_REDIS_URL=valkey_url, NOTIFY_KEY_FILE=str(api_keys))
    with open_mailbox() as mailbox, running_worker(environ, tmp_path / "worker.log"):
        overrides = {HOST: "127.0.0.1", PORT: mailbox.port}
        started = api.post("/server-tests", {"target": "primary_email", "overrides": overrides})
        assert started.status_code == 202
        address = api.root + started.headers["Location"]

        def ended() -> bool:
            return bool(api.http.get(address, timeout=60).json()["finished_at"])

        wait_until(ended, seconds=60, what="the test being made")
        report = api.http.get(address, timeout=60).json()
        assert report["ok"], report
        assert report["worker"]
        assert [stage["stage"] for stage in report["servers"][0]["stages"]][:2] == ["resolve", "connect"]
        refused = {HOST: "127.0.0.1", PORT: free_port()}
        bad = api.post("/server-tests", {"target": "primary_email", "overrides": refused})
        address = api.root + bad.headers["Location"]
        wait_until(ended, seconds=60, what="the second test being made")
        assert api.http.get(address, timeout=60).json()["ok"] is False


@pytest.mark.parametrize(
    "document, field",
    [
        ({}, "target"),
        ({"target": "x"}, "target"),
        ({"target": "primary_email"}, "target"),
        ({"target": "primary_email", "overrides": {PORT: 0}}, PORT),
        ({"target": "primary_email", "overrides": {"x": 0}}, "x"),
        ({"target": "chain", "send": True}, "to"),
        ({"target": "chain", "to": "nobody"}, "to"),
        ({"target": "chain", "channel": "fax"}, "channel"),
    ],
)
def test_a_test_that_cannot_be_made_names_the_field(api: ApiClient, document: object, field: str) -> None:
    assert problem(api.post("/server-tests", document), 422)["field"] == field
    assert problem(api.get("/server-tests/nothing"), 404)
