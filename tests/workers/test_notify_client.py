"""`clients/notify_client.py`, copied into a folder of somebody else's, beside Celery and nothing of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.embedded import PROJECT
from tests.rigs.foreign_app import run_apart
from tests.rigs.installation import ADDRESS, TEXT, Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import free_port

CLIENT = PROJECT / "clients" / "notify_client.py"
PROGRAM = """
import json, sys
from datetime import datetime, timedelta, timezone
sys.path.insert(0, ".")
import notify_client

outcomes = []
for call in given:
    fields = call.get("fields", {})
    if "in_hours" in call:
        fields["expires"] = datetime.now(timezone.utc) + timedelta(hours=call["in_hours"])
    if "attach" in call:
        fields["attachments"] = [(call["attach"], b"content")]
    try:
        sent = notify_client.send(
            call.get("channel", "email"), call.get("to", ["a@b.example"]), call.get("message", "M"),
            wait_seconds=call.get("wait"), **fields
        )
        outcomes.append({"id": sent.id, "number": sent.number})
    except notify_client.NotifyError as error:
        outcomes.append({"error": type(error).__name__, "says": str(error)})
answer = outcomes
"""


@dataclass
class Elsewhere:
    """Somebody else's folder and environment."""

    folder: Path
    environ: dict[str, str]

    def send(self, *calls: dict[str, Any]) -> list[dict[str, Any]]:
        outcomes: list[dict[str, Any]] = run_apart(
            PROGRAM, list(calls), folder=self.folder, environ=self.environ
        )
        return outcomes

    def refusal(self, **call: Any) -> str:
        (outcome,) = self.send(call)
        assert outcome["error"] == "InvalidNotification", outcome
        return str(outcome["says"])


@dataclass
class Served:
    installation: Installation
    mailbox: Mailbox
    elsewhere: Elsewhere


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("client")
    elsewhere = Elsewhere(folder / "elsewhere", {})
    elsewhere.folder.mkdir()
    shutil.copy(CLIENT, elsewhere.folder)
    with open_mailbox() as mailbox, running_installation(folder) as installation:
        installation.configure(primary=mailbox)
        elsewhere.environ["NOTIFY_REDIS_URL"] = installation.server.url
        with installation.worker():
            yield Served(installation, mailbox, elsewhere)


def test_who_does_not_wait_learns_the_id_and_the_mail_arrives(served: Served) -> None:
    (outcome,) = served.elsewhere.send({"fields": {"subject": "S"}, "attach": "f.txt", "in_hours": 2})
    assert outcome["number"] is None
    served.installation.wait_state(outcome["id"], "delivered")
    assert served.mailbox.counts()[outcome["id"]] == 1
    assert not served.installation.runtime.redis.keys(f"*meta*{outcome['id']}*")
    content = json.loads(served.installation.record(outcome["id"]).content)
    assert content["attachments"][0]["name"] == "f.txt"
    assert content["expires"].endswith("Z")


def test_who_waits_learns_the_number(served: Served) -> None:
    (outcome,) = served.elsewhere.send({"wait": 30})
    assert outcome["number"] == served.installation.record(outcome["id"]).number


def test_the_same_id_or_key_is_accepted_once(served: Served) -> None:
    by_id = {"wait": 30, "fields": {"id": "client-1"}}
    by_key = {"wait": 30, "fields": {"key": "client-key"}}
    first, second, third, fourth = served.elsewhere.send(by_id, by_id, by_key, by_key)
    assert first == second
    assert third == fourth
    served.installation.wait_state("client-1", "delivered")
    assert served.mailbox.counts()["client-1"] == 1


def test_what_the_worker_refuses_is_raised_in_its_words(served: Served) -> None:
    says = served.elsewhere.refusal(wait=30, fields={"context": {"planet": "Mars"}})
    assert says.startswith("context.planet is unknown; allowed: ")


@pytest.mark.parametrize("priority, queue", [("high", "notify.high"), ("low", "notify.low")])
def test_each_priority_has_its_queue_and_no_message_lands_where_nobody_looks(
    redis_server: Any, valkey_url: str, served: Served, priority: str, queue: str
) -> None:
    alone = Elsewhere(served.elsewhere.folder, {"NOTIFY_REDIS_URL": valkey_url})
    alone.send({"fields": {"priority": priority}}, {"fields": {"attachments": [{"job_output": 7}]}})
    assert redis_server.llen(queue) == 1
    assert redis_server.llen("notify.files") == 1
    assert redis_server.llen("celery") == 0


def test_who_waits_where_no_worker_runs_is_told_so(
    redis_server: Any, valkey_url: str, served: Served
) -> None:
    alone = Elsewhere(served.elsewhere.folder, {"NOTIFY_REDIS_URL": valkey_url})
    (outcome,) = alone.send({"wait": 0.3})
    assert outcome["error"] == "NoAnswer"
    assert outcome["says"] == "no worker answered within 0.3 s; it may be accepted still"
    assert redis_server.llen("notify.normal") == 1


def test_a_broker_that_is_away_is_an_error_within_seconds(served: Served) -> None:
    away = Elsewhere(served.elsewhere.folder, {"NOTIFY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    (outcome,) = away.send({})
    assert outcome["error"] == "BrokerUnavailable"
    nowhere = Elsewhere(served.elsewhere.folder, {})
    (outcome,) = nowhere.send({})
    assert "neither NOTIFY_BROKER_URL nor NOTIFY_REDIS_URL is set" in outcome["says"]


@pytest.mark.parametrize(
    "call, says",
    [
        ({"channel": "fax"}, "channel is not known"),
        ({"to": []}, "to is empty"),
        ({"to": f"{TEXT}"}, "to[0] is no address"),
        ({"to": [ADDRESS, 5]}, "to[1] is no text"),
        ({"to": "a@b\nBcc: c@d"}, "to[0] is no address"),
        ({"channel": "text", "message": "  "}, "message is no text, or blank"),
        ({"message": 5}, "message is no text, or blank"),
        ({"fields": {"subjekt": TEXT}}, "subjekt is unknown"),
        ({"fields": {"priority": "urgent"}}, "priority is not known"),
        ({"fields": {"priority": ["high"]}}, "priority is not known"),
        ({"fields": {"expires": 7}}, "expires is no time"),
        ({"fields": {"id": "a b"}}, "id is not allowed"),
        ({"message": "x" * 17_000_000}, "notification is too long"),
    ],
)
def test_the_obvious_is_refused_before_it_is_sent_and_nothing_is_quoted(
    served: Served, call: dict[str, Any], says: str
) -> None:
    refusal = served.elsewhere.refusal(**call)
    assert refusal.startswith(says)
    assert "; allowed: " in refusal
    assert TEXT not in refusal
    assert ADDRESS not in refusal
