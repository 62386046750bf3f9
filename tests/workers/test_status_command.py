"""`notify_status`, asked of a real worker over Celery's remote control."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from celery import Celery

from tasks.breaker import Breaker
from tasks.routing import server_of
from tests.rigs.embedded import PROJECT
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until


def test_a_worker_tells_revision_servers_slots_and_pool(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox, secondary=1)
    runtime = installation.runtime
    server = server_of(runtime.store.snapshot(), "primary_email")
    assert server is not None
    with installation.worker("--concurrency=3", "-n", "seen@%h"):
        published = installation.publish(to=["somebody@private.example"])
        installation.wait_state(published.id, "delivered")
        Breaker(runtime.redis).pause(server.fingerprint, name="primary_email", by="me", reason="moved")
        status = asked(installation)
        assert status["revision"] == runtime.store.snapshot().revision
        assert (status["slots"], status["received"] >= 1) == (3, True)
        assert status["lanes"] == ["high", "normal", "files", "low"]
        assert status["pool"] == {"connections_kept": 1}
        assert status["servers"]["primary_email"]["state"] == "paused"
        assert status["servers"]["primary_email"]["reason"] == "moved"
        assert status["servers"]["secondary_email"]["state"] == "closed"
        assert status["channels"]["email"] == {"condition": "fallback", "carrier": "secondary_email"}
        assert "primary_sms" not in status["servers"]
        assert "private.example" not in repr(status)
        assert "127.0.0.1" not in repr(status)
        shown = subprocess.run(
            [sys.executable, "-m", "celery", "-A", "workers", "inspect", "notify_status", "--timeout", "20"],
            cwd=PROJECT,
            env=installation.environ,
            capture_output=True,
            text=True,
            check=False,
        )
    assert shown.returncode == 0, shown.stderr
    assert "seen@" in shown.stdout
    assert "connections_kept" in shown.stdout


def test_damaged_options_leave_the_rest_to_be_told(installation: Installation) -> None:
    with installation.worker("--concurrency=2"):
        installation.runtime.redis.hset("notify:settings", mapping={"revision": "1", "values": "no json"})
        status = asked(installation)
    assert status["slots"] == 2
    assert status["error"] == "the options cannot be read (DamagedSettings)"


def asked(installation: Installation) -> dict[str, Any]:
    control = Celery("operator", broker=installation.server.url, set_as_current=False).control
    answers: list[dict[str, Any]] = []

    def is_answered() -> bool:
        # What is asked before the worker listens to commands is answered by nobody: it is asked again.
        answers[:] = control.broadcast("notify_status", reply=True, limit=1, timeout=5)
        return bool(answers)

    wait_until(is_answered, seconds=60, what="the worker telling its status")
    ((_, status),) = answers[0].items()
    assert isinstance(status, dict)
    return status
