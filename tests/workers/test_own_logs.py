"""The logs of real processes: worker, children of its pool, console and Flower."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.console import running_console
from tests.rigs.flower import running_flower
from tests.rigs.installation import ADDRESS, SUBJECT, TEXT, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.planted import Planted
from tests.rigs.processes import wait_until

SECRETS = (ADDRESS, SUBJECT, TEXT)


def events(file: Path, name: str) -> list[dict[str, Any]]:
    """What was written as JSON under a name."""
    lines = (json.loads(line) for line in file.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == name]


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_delivery_is_told_with_its_fields_in_a_file_whose_level_and_form_change_while_it_runs(
    tmp_path: Path, planted: Planted, pool: str
) -> None:
    for secret in SECRETS:
        planted.plant(secret)
    file = tmp_path / "logs" / "notify.log"
    file.parent.mkdir()
    with open_mailbox() as mailbox, running_installation(tmp_path, NOTIFY_LOG_FILE=str(file)) as installation:
        installation.configure(primary=1, secondary=mailbox)
        store = installation.runtime.store
        store.change({"logging.format": "json"}, author="test")
        with installation.worker(f"--pool={pool}", "--concurrency=2") as worker:

            def deliver() -> str:
                published = installation.publish(to=[ADDRESS], subject=SUBJECT, message=TEXT)
                installation.wait_state(published.id, "delivered")
                return published.id

            def told_as_json() -> str:
                """The last one whose pass is told so; each process takes the form over in its own time."""
                deliver()
                return next((str(each["notification"]) for each in reversed(events(file, "pass_ended"))), "")

            wait_until(lambda: bool(told_as_json()), what="a pass told as JSON")
            told = told_as_json()
            attempts = [each for each in events(file, "attempt") if each["notification"] == told]
            assert [(each["server"], each["verdict"], each["pass"]) for each in attempts][-1] == (
                "secondary_email",
                "delivered",
                1,
            )
            assert (attempts[-1]["stage"], attempts[-1]["code"], attempts[-1]["level"]) == (
                "final",
                250,
                "info",
            )
            assert attempts[-1]["number"] == installation.record(told).number
            store.change({"logging.level": "ERROR"}, author="test")

            def is_quiet() -> bool:
                return deliver() not in file.read_text()

            wait_until(is_quiet, what="the level holding in whoever delivers")
            store.change({"logging.level": "DEBUG"}, author="test")
            wait_until(lambda: deliver() and events(file, "pass_begun"), what="the other level holding")
        planted.look(file.read_text(), worker.log())
        # Celery's own lines too, in the same form.
        assert any("ready." in each["message"] for each in events(file, "celery") if "message" in each) or (
            " ready." in worker.log()
        )


def test_a_log_file_that_cannot_be_written_stops_no_delivery_and_is_told_once(tmp_path: Path) -> None:
    with open_mailbox() as mailbox, running_installation(tmp_path) as installation:
        installation.configure(primary=mailbox)
        # Celery's own way to name a file comes before the variable.
        with installation.worker("--logfile=/dev/full", NOTIFY_LOG_FILE=str(tmp_path / "f.log")) as worker:
            for each in installation.publish_many(5):
                installation.wait_state(each, "delivered")
            worker.wait_logged("log_file_not_written file=/dev/full")
        assert worker.log().count("log_file_not_written") == 1
        assert worker.log().count("event=pass_ended") == 5


def test_console_and_flower_write_the_same_lines_to_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "notify.log"
    with (
        running_installation(tmp_path, NOTIFY_LOG_FILE=str(file)) as installation,
        running_console(installation.server.url, tmp_path / "home", NOTIFY_LOG_FILE=str(file)),
        running_flower(installation.environ, tmp_path / "flower.log"),
    ):

        def programs() -> set[str]:
            lines = file.read_text().splitlines() if file.exists() else []
            return {line.rpartition("program=")[2].partition(" ")[0] for line in lines}

        wait_until(lambda: {"console", "flower"} <= programs(), what="both writing")
