"""Which commands a real worker takes over Celery's remote control."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker.control import Panel
from kombu.utils.url import maybe_sanitize_url

from tasks.broker import connection
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.scripted_smtp import Later
from tests.rigs.worker import Worker
from workers import remote_control

REFUSED: dict[str, dict[str, Any]] = {
    "add_consumer": {"queue": "notify.other"},
    "autoscale": {"max": 1, "min": 1},
    "cancel_consumer": {"queue": "notify.normal"},
    "election": {"id": "x", "topic": "x"},
    "memdump": {},
    "memsample": {},
    "objgraph": {},
    "pool_grow": {"n": 100},
    "pool_restart": {},
    "pool_shrink": {"n": 16},
    "rate_limit": {"task_name": "notify.deliver", "rate_limit": "1/h"},
    "revoke_by_stamped_headers": {"headers": {"a": ["b"]}},
    "shutdown": {},
    "terminate": {"signal": "KILL", "task_id": "x"},
    "time_limit": {"task_name": "notify.deliver", "hard": 0.001},
}
#: `heartbeat`, `enable_events` and `disable_events` answer too, but not each with a value.
LOOKS = [
    "active",
    "active_queues",
    "clock",
    "conf",
    "notify_status",
    "ping",
    "registered",
    "report",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
]


@dataclass
class Controlled:
    """A worker, and somebody at its remote control."""

    installation: Installation
    mailbox: Mailbox
    worker: Worker

    def ask(self, command: str, **arguments: Any) -> Any:
        control = Celery("operator", broker=self.installation.server.url, set_as_current=False).control
        (answer,) = control.broadcast(command, arguments=arguments, reply=True, limit=1, timeout=20)
        ((_, said),) = answer.items()
        return said

    def delivers(self) -> bool:
        published = self.installation.publish()
        return self.installation.wait_state(published.id, "delivered").state == "delivered"


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controlled]:
    folder = tmp_path_factory.mktemp("controlled")
    with (
        open_mailbox() as mailbox,
        running_installation(folder) as installation,
        installation.worker() as worker,
    ):
        installation.configure(primary=mailbox)
        yield Controlled(installation, mailbox, worker)


@pytest.mark.parametrize("command", REFUSED)
def test_what_would_end_size_or_rebind_a_worker_is_refused_by_name(
    controlled: Controlled, command: str
) -> None:
    said = controlled.ask(command, **REFUSED[command])
    assert said["error"].startswith(f"{command} is refused: ")
    controlled.worker.wait_logged(f"remote_command_refused command={command}")


def test_a_worker_that_was_told_to_end_shrink_and_slow_down_works_on_as_before(
    controlled: Controlled,
) -> None:
    for command, arguments in REFUSED.items():
        controlled.ask(command, **arguments)
    assert controlled.ask("stats")["pool"]["max-concurrency"] == 16
    assert {queue["name"] for queue in controlled.ask("active_queues")} == {
        "notify.high",
        "notify.normal",
        "notify.files",
        "notify.low",
    }
    assert controlled.delivers()
    assert controlled.worker.process.poll() is None


@pytest.mark.parametrize("command", LOOKS)
def test_what_looks_is_answered(controlled: Controlled, command: str) -> None:
    said = controlled.ask(command)
    assert not (isinstance(said, dict) and "error" in said), said


def test_behind_sentinels_stats_are_answered_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "data", Panel.data.copy())
    url = "sentinel://:first-word@s1:1,s2:2/0?service=x&sentinel_password=second-word"
    # What Celery's own step tells of the connection, less the password itself.
    broker = {name: value for name, value in connection(url).info().items() if name != "password"}
    broker["alternates"] = [maybe_sanitize_url(each) for each in broker["alternates"]]
    controller = SimpleNamespace(stats=lambda: {"broker": broker, "pid": 7})
    remote_control.limit()
    said = json.dumps(Panel.data["stats"](SimpleNamespace(consumer=SimpleNamespace(controller=controller))))
    assert json.loads(said)["broker"]["hostname"] == "s1"
    assert "first-word" not in said
    assert "second-word" not in said


def test_a_revoke_that_would_terminate_is_refused_and_the_mail_arrives(controlled: Controlled) -> None:
    go_on = threading.Event()
    controlled.mailbox.answer("RCPT", Later(go_on, "250 2.1.5 ok"))
    published = controlled.installation.publish()
    controlled.installation.wait_state(published.id, "sending")
    said = controlled.ask("revoke", task_id=published.id, terminate=True, signal="KILL")
    assert said["error"].startswith("revoke with terminate is refused: ")
    go_on.set()
    controlled.installation.wait_state(published.id, "delivered")
    assert controlled.mailbox.counts()[published.id] == 1


def test_a_plain_revoke_cancels(controlled: Controlled) -> None:
    published = controlled.installation.publish(
        not_before="2100-01-01T00:00:00Z", expires="2100-01-02T00:00:00Z"
    )
    assert "ok" in controlled.ask("revoke", task_id=published.id)
    controlled.installation.wait_state(published.id, "cancelled")
