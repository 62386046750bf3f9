"""The app itself: what it is set to, where it can be started from, and what it says where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.processes import free_port
from workers.pool_choice import pool_choice

NAMES = (
    "accept_content",
    "task_serializer",
    "result_serializer",
    "result_accept_content",
    "event_serializer",
    "task_create_missing_queues",
    "task_send_sent_event",
    "worker_send_task_events",
    "worker_pool",
    "worker_concurrency",
    "worker_prefetch_multiplier",
    "worker_enable_remote_control",
    "broker_transport_options",
    "result_backend_transport_options",
)
SHOW = f"""
import json, sys
from billiard import einfo
from workers.celery import app
shown = {{name: app.conf[name] for name in {NAMES}}}
shown["queues"] = [queue.name for queue in app.conf.task_queues]
shown["tasks"] = {{name: task.acks_late for name, task in app.tasks.items() if name.startswith("notify.")}}
shown["tracebacks"] = einfo._Frame.Code is not einfo._Code
shown["switch"] = sys.getswitchinterval()
shown["limits"] = [app.tasks["notify.submit"].max_retries, app.tasks["notify.submit"].reject_on_worker_lost]
print(json.dumps(shown))
"""


def run(*arguments: str, folder: Path = PROJECT, **more: str) -> subprocess.CompletedProcess[str]:
    """A Python of the project with nothing set but these variables."""
    environ = clean_environment(folder / "no home", NOTIFY_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environ, **more},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def conf() -> dict[str, Any]:
    ran = run("-c", SHOW)
    assert ran.returncode == 0, ran.stderr
    shown: dict[str, Any] = json.loads(ran.stdout)
    return shown


def test_json_and_nothing_else_is_spoken(conf: dict[str, Any]) -> None:
    assert conf["accept_content"] == ["json"]
    assert conf["result_accept_content"] in (None, ["json"])
    assert {conf[f"{what}_serializer"] for what in ("task", "result", "event")} == {"json"}


def test_every_queue_is_served_and_no_other_made(conf: dict[str, Any]) -> None:
    assert conf["queues"] == ["notify.high", "notify.normal", "notify.files", "notify.low"]
    assert conf["task_create_missing_queues"] is False


def test_a_bell_is_acknowledged_at_once_and_a_submission_when_it_is_accepted(conf: dict[str, Any]) -> None:
    assert conf["tasks"] == {
        "notify.deliver": False,
        "notify.deliver_many": False,
        "notify.submit": True,
        "notify.test_attachment": False,
        "notify.test_server": False,
    }
    assert conf["limits"] == [None, True], "a submission is tried without end, and outlives a child"


def test_it_can_be_watched_and_controlled(conf: dict[str, Any]) -> None:
    assert conf["worker_send_task_events"] is True
    assert conf["task_send_sent_event"] is False
    assert conf["worker_enable_remote_control"] is True


def test_its_unacknowledged_messages_have_keys_of_their_own(conf: dict[str, Any]) -> None:
    options = conf["broker_transport_options"]
    for name in ("unacked_key", "unacked_index_key", "unacked_mutex_key"):
        assert options[name].startswith("notify.")
    assert (options["visibility_timeout"], options["unacked_restore_interval"]) == (60, 5)
    assert options["unacked_restore_throttle"] == 1


def test_results_lie_where_every_celery_app_looks_for_them(conf: dict[str, Any]) -> None:
    assert "global_keyprefix" not in conf["result_backend_transport_options"]


def test_a_thread_does_not_wait_long_for_its_turn(conf: dict[str, Any]) -> None:
    assert conf["switch"] == pytest.approx(0.002)


def test_tracebacks_that_are_kept_share_their_copies_of_the_code(conf: dict[str, Any]) -> None:
    assert conf["tracebacks"] is True


def test_threads_are_the_default_pool(conf: dict[str, Any]) -> None:
    assert (conf["worker_pool"], conf["worker_concurrency"]) == ("threads", 16)
    assert conf["worker_prefetch_multiplier"] == 1


@pytest.mark.parametrize(
    "line, pool",
    [
        ("celery -A workers worker", "threads"),
        ("celery -A workers worker --pool=prefork", "prefork"),
        ("celery -A workers worker --pool prefork -c 2", "prefork"),
        ("celery -A workers worker -P prefork", "prefork"),
        ("celery -A workers worker -Pprefork", "prefork"),
        ("celery -A workers worker -P solo", "threads"),
        ("celery -A workers worker -n prefork", "threads"),
        ("celery -A workers worker -P", "threads"),
        ("", "threads"),
    ],
)
def test_prefork_is_taken_where_it_is_named(line: str, pool: str) -> None:
    assert pool_choice(line.split()) == pool


@pytest.mark.parametrize("command", ["worker", "flower", "inspect ping"])
@pytest.mark.parametrize("foreign", ["tasks.py", "tasks/__init__.py"])
def test_a_foreign_tasks_in_the_folder_is_one_clear_error(tmp_path: Path, command: str, foreign: str) -> None:
    place = tmp_path / foreign
    place.parent.mkdir(exist_ok=True)
    place.write_text("raise SystemError('this is not ours')\n")
    ran = run("-m", "celery", "-A", "workers", *command.split(), folder=tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.splitlines() == [
        f"error: tasks is {place}, not the package of this notifier in {PROJECT}",
        "hint: start the command in another folder, one without a tasks.py or a folder tasks of its own",
    ]


def test_a_bare_folder_of_that_name_gives_way_to_ours(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    ran = run("-c", "import workers.celery", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_folder_from_which_it_is_not_found_is_one_clear_error(tmp_path: Path) -> None:
    program = "import sys; sys.meta_path[:] = [f for f in sys.meta_path"
    program += " if 'editable' not in f.__class__.__name__.lower()"
    program += " and 'editable' not in getattr(f, '__name__', '').lower()]"
    program += "; from celery.__main__ import main; main()"
    ran = run("-c", program, "-A", "workers", "worker", folder=tmp_path, PYTHONPATH="")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "The module workers was not found." in ran.stderr


@pytest.mark.parametrize(
    "more, says",
    [
        ({"NOTIFY_REDIS_URL": ""}, "error: NOTIFY_REDIS_URL is not set and no embedded server runs here"),
        ({"NOTIFY_REDIS_URL": "http://x"}, "error: NOTIFY_REDIS_URL must start with redis://"),
        ({"NOTIFY_PREFIX": "a b"}, "error: NOTIFY_PREFIX must be 1 to 40 letters"),
        ({"NOTIFY_KEY_FILE": "/nowhere/key"}, "error: NOTIFY_KEY_FILE"),
    ],
)
def test_an_environment_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, more: dict[str, str], says: str
) -> None:
    ran = run("-m", "celery", "-A", "workers", "worker", folder=tmp_path, **more)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith(says), ran.stderr
