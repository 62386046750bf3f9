"""No address, subject or text where operators and tools look: events, Flower, logs, inspection, broker."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.rigs.flower import Flower, running_flower
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation, running_installation
from tests.rigs.listening import listening_to_commands, listening_to_events, unwrapped
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later
from tests.rigs.whole_records import WHOLE_RECORDS
from tests.rigs.worker import Worker

#: None of these may show, in any letter case.
USER, HOST = "hidden.recipient", "private-place.example"
SUBJECT, TEXT, JOB, FILE = "clandestine", "classified", "undercover", "stealthy"
NUMBER = "4915770001234"
SECRETS = (USER, HOST, SUBJECT, TEXT, JOB, FILE, NUMBER)

MAIL: dict[str, Any] = {
    "version": 1,
    "channel": "email",
    "to": [f"{USER}@{HOST}"],
    "subject": SUBJECT,
    "message": TEXT,
    "context": {"job": JOB},
    "attachments": [{"name": f"{FILE}.txt", "content_base64": base64.b64encode(TEXT.encode()).decode()}],
}
SHORT: dict[str, Any] = {"version": 1, "channel": "text", "to": [f"{NUMBER}@{HOST}"], "message": TEXT}


@dataclass
class Scene:
    """A worker that logs all it can, and everybody who listens."""

    installation: Installation
    mailbox: Mailbox
    flower: Flower
    worker: Worker
    events: list[dict[str, Any]]
    folder: Path

    def submit(self, *notifications: dict[str, Any]) -> list[dict[str, Any]]:
        calls = [{"kwargs": {"notification": notification}} for notification in notifications]
        return send_tasks(self.installation.server.url, calls, folder=self.folder)

    def operator(self) -> Celery:
        """The app of somebody who inspects and controls workers."""
        return Celery("operator", broker=self.installation.server.url, set_as_current=False)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    # As if it were put back for a moment: nothing else is kept for later by a worker.
    prelude = f"{WHOLE_RECORDS}\nimport tasks.later_start; tasks.later_start.KEPT_SECONDS = 7200"
    with (
        open_mailbox() as mailbox,
        running_installation(tmp_path) as installation,
        listening_to_events(installation.server.url) as events,
        running_flower(installation.environ, tmp_path / "flower.log") as flower,
        installation.worker(
            "--loglevel=DEBUG",
            "--concurrency=4",
            "--prefetch-multiplier=2",
            prelude=prelude,
        ) as worker,
    ):
        installation.configure(primary=mailbox)
        yield Scene(installation, mailbox, flower, worker, events, tmp_path)


def refuse_secrets(where: str, text: str) -> None:
    shown = unwrapped(text).lower()
    for secret in SECRETS:
        place = shown.find(secret)
        assert place < 0, f"{where} shows {secret}: …{shown[max(0, place - 300) : place + 80]}…"


def refuse_secrets_everywhere(scene: Scene, *task_ids: str) -> None:
    """After the fact: what was logged and sent as events, and what Flower has to tell."""
    refuse_secrets("the worker's log", scene.worker.log())
    refuse_secrets("the events", json.dumps(scene.events))
    pages = [
        "/",
        "/tasks",
        "/workers",
        "/workers?json=1",
        "/broker",
        "/metrics",
        "/api/tasks",
        "/api/workers",
    ]
    pages += ["/api/workers?refresh=1", "/tasks/datatable?draw=1&start=0&length=100&search[value]="]
    pages += [f"/task/{task_id}" for task_id in task_ids]
    pages += [f"/api/task/info/{task_id}" for task_id in task_ids]
    pages += [f"/worker/{name}" for name in json.loads(scene.flower.ask("/api/workers?refresh=1")[1])]
    for page in pages:
        refuse_secrets(f"Flower's {page}", scene.flower.ask(page)[1])
    refuse_secrets("Flower's log", (scene.folder / "flower.log").read_text())


def test_nothing_shows_of_what_is_published(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    installation, mailbox = scene.installation, scene.mailbox
    with listening_to_commands(installation.server.url) as commands:
        mailbox.answer("RCPT", f"550 5.1.1 <{USER}@{HOST}> is unknown here")
        refused = installation.publisher.publish(MAIL)
        scene.flower.wait_task(refused.id, "FAILURE")
        mailbox.answer("RCPT", f"450 4.2.0 <{USER}@{HOST}> is greylisted")
        mail, short = installation.publisher.publish(MAIL), installation.publisher.publish(SHORT)
        for each in (mail, short):
            scene.flower.wait_task(each.id, "RETRY")
        mailbox.come_up()
        installation.server.advance(16)
        for each in (mail, short):
            scene.flower.wait_task(each.id, "SUCCESS")
    refuse_secrets_everywhere(scene, refused.id, mail.id, short.id)
    refuse_secrets("the publisher's log", caplog.text)
    broker = [each for each in commands if each.partition(" ")[0] in {"LPUSH", "RPUSH", "PUBLISH", "SETEX"}]
    assert any("LPUSH notify.normal" in each for each in broker), "the bells were not seen"
    refuse_secrets("what the broker carries", "\n".join(broker))


def test_nothing_shows_of_what_is_submitted(scene: Scene) -> None:
    allowed = scene.submit(MAIL, SHORT)
    for each in allowed:
        scene.flower.wait_task(each["task"], "SUCCESS")
    bad = scene.submit(
        {**MAIL, "to": [f"{USER} at {HOST}"]},
        {**MAIL, "channel": TEXT},
        {**MAIL, "version": TEXT},
        {**MAIL, "subject": [SUBJECT]},
        {**MAIL, "attachments": [{"name": FILE, "content_base64": f"!{TEXT}"}]},
        {**MAIL, "not_before": TEXT},
        {**MAIL, "context": {"job": [JOB]}},
    )
    for each in bad:
        row = scene.flower.wait_task(each["task"], "FAILURE")
        assert each["error"] == "NotificationRefused", row
        refuse_secrets("the answer to a bad submission", json.dumps(each))
    refuse_secrets_everywhere(scene, *(each["task"] for each in [*allowed, *bad]))


def _shows_a_task(answer: Any) -> bool:
    return "notify.submit" in json.dumps(answer)


def test_nothing_shows_in_an_inspection_of_what_runs_and_waits(scene: Scene) -> None:
    go_on = threading.Event()
    scene.mailbox.answer("MAIL", Later(go_on, "250 2.1.0 ok"))
    sender = scene.operator()
    ids = [
        sender.send_task("notify.submit", kwargs={"notification": MAIL}, queue="notify.normal", **more).id
        for more in [{"countdown": 3600, "retries": 1}] + [{}] * 8
    ]
    inspect = sender.control.inspect(limit=1, timeout=5)
    ask: dict[str, Callable[[], Any]] = {
        "active": inspect.active,
        "reserved": inspect.reserved,
        "scheduled": inspect.scheduled,
        "query": lambda: inspect.query_task(*ids),
    }
    seen: dict[str, Any] = {}

    def all_seen() -> bool:
        # A worker that is busy answers late or fetches late: what was shown once has been shown.
        seen.update({name: answer for name in ask.keys() - seen if _shows_a_task(answer := ask[name]())})
        return seen.keys() == ask.keys()

    wait_until(all_seen, seconds=90, what="the worker showing what runs, waits and is asked for")
    try:
        for name, answer in seen.items():
            refuse_secrets(f"inspect {name}", json.dumps(answer))
        refuse_secrets_everywhere(scene, *ids)
    finally:
        go_on.set()
    for each in ids[1:]:
        scene.installation.wait_state(each, "delivered")
