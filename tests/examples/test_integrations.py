"""What is in `examples/`, run as its reader would run it; what needs a program that is away is read."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import redis

from settings_store.access import Access
from tasks import notification
from tasks.entries import checked
from tasks.ledger import LedgerQueries
from tests.rigs.api_client import token_for
from tests.rigs.command_line import PROJECT
from tests.rigs.console import running_console
from tests.rigs.embedded import clean_environment
from tests.rigs.foreign_app import run_apart
from tests.rigs.processes import require_program

EXAMPLES = PROJECT / "examples"
CRON_FIELDS = 6


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with `notify` in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    _program(folder / "notify", f'exec "{sys.executable}" -m console.cli.main "$@"')
    return folder


@pytest.fixture
def environ(redis_server: redis.Redis, valkey_url: str, tmp_path: Path) -> dict[str, str]:
    """Of an empty installation."""
    del redis_server
    return clean_environment(tmp_path / "home", NOTIFY_REDIS_URL=valkey_url)


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def accepted(server: redis.Redis) -> list[Any]:
    """The notifications in the ledger, by number."""
    queries = LedgerQueries(server)
    records = [queries.find(str(number + 1)) for number in range(queries.page().total)]
    return [json.loads(record.content) for record in records if record is not None]


def queued(server: redis.Redis) -> tuple[Any, notification.Notification]:
    """The one message that waits for a worker: its headers, and its notification as a worker takes it."""
    assert server.llen("notify.normal") == 1
    message = json.loads(server.lrange("notify.normal", 0, 0)[0])
    _, arguments, _ = json.loads(b64decode(message["body"]))
    return message["headers"], checked(arguments["notification"])


def test_each_line_of_the_crontab_runs_its_job_and_tells_where_it_should(
    redis_server: redis.Redis, environ: dict[str, str], commands: Path, tmp_path: Path
) -> None:
    lines = [line for line in (EXAMPLES / "notify.cron").read_text().splitlines() if line[:1].isdigit()]
    assert len(lines) == 2
    _program(commands / "payroll", "echo step 3; exit 8")
    _program(commands / "backup", "echo saved")
    (tmp_path / "on-call.txt").write_text("night@example.com\n")
    ends = []
    for line in lines:
        command = line.split(maxsplit=CRON_FIELDS)[CRON_FIELDS].replace("\\%", "%")
        command = command.replace("/opt/jobs", str(commands)).replace("/etc/notify", str(tmp_path))
        ran = subprocess.run(
            ["/bin/sh", "-c", command],
            env={**environ, "PATH": f"{commands}:{os.defpath}"},
            capture_output=True, check=False, timeout=100, cwd=tmp_path,
        )  # fmt: skip
        ends.append((ran.returncode, ran.stdout))
    assert ends == [(8, b"step 3\n"), (0, b"saved\n")]
    failed, mail, text = accepted(redis_server)
    assert failed["context"]["job"] == "payroll"
    assert mail["to"] == ["night@example.com"]
    assert mail["context"]["trigger"] == "Job succeeded"
    assert text["channel"] == "text"


def test_the_failure_of_a_unit_is_told_once_for_each_run(
    redis_server: redis.Redis, environ: dict[str, str], commands: Path
) -> None:
    _program(commands / "journalctl", 'echo "$2: out of memory"; exit 1')
    told = {
        **environ, "PATH": f"{commands}:{os.defpath}", "OPERATOR": "ops@example.com",
        "MONITOR_SERVICE_RESULT": "oom-kill", "MONITOR_INVOCATION_ID": "0f" * 16,
    }  # fmt: skip
    for _ in range(2):
        subprocess.run(
            [EXAMPLES / "systemd" / "notify-failure", "payroll.service"], env=told, check=True, timeout=100
        )
    (document,) = accepted(redis_server)
    assert document["subject"].startswith("Unit payroll.service failed on ")
    assert ": oom-kill \n\npayroll.service: out of memory" in document["message"]


def test_the_units_are_ones_that_systemd_takes(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("needs the program systemd-analyze")
    for unit in (EXAMPLES / "systemd").glob("*.service"):
        text = unit.read_text().replace("/opt/jobs/payroll", "/bin/true")
        text = text.replace("/usr/local/bin/notify-failure", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    ran = subprocess.run(
        [verify, "verify", "--man=no", tmp_path / "payroll.service", tmp_path / "notify-failure@x.service"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    complaints = [
        line for line in ran.stderr.splitlines() if str(tmp_path) in line or "notify-failure" in line
    ]
    assert (ran.returncode, complaints) == (0, []), ran.stderr


def test_the_job_names_the_template_that_names_the_program() -> None:
    units = {unit.name: unit.read_text() for unit in (EXAMPLES / "systemd").glob("*.service")}
    assert "\nOnFailure=notify-failure@%n.service\n" in units["payroll.service"]
    assert "\nExecStart=/usr/local/bin/notify-failure %i\n" in units["notify-failure@.service"]
    assert os.access(EXAMPLES / "systemd" / "notify-failure", os.X_OK)


def test_send_task_needs_nothing_of_ours_and_names_the_right_queue(
    redis_server: redis.Redis, environ: dict[str, str], tmp_path: Path
) -> None:
    program = (EXAMPLES / "send_task.py").read_text().replace("from __future__ import annotations\n", "")
    ran = run_apart(
        f"{program.partition('if __name__')[0]}\nanswer = send('ops@example.com', 'S', 'It ended with 8.')",
        None, folder=tmp_path, environ={"NOTIFY_REDIS_URL": environ["NOTIFY_REDIS_URL"]},
    )  # fmt: skip
    headers, sent = queued(redis_server)
    assert (headers["task"], headers["id"]) == ("notify.submit", ran)
    assert "example.com" not in json.dumps(headers)
    assert (sent.id, sent.to, sent.subject) == (ran, ("ops@example.com",), "S")


def test_curl_sends_once_under_one_key_and_shows_its_token_to_nobody(
    redis_server: redis.Redis, valkey_url: str, tmp_path: Path
) -> None:
    require_program("curl")
    file = tmp_path / "token"
    file.write_text(token_for(Access(redis_server)))
    with running_console(valkey_url, tmp_path / "console") as console:
        plain = {"PATH": os.environ["PATH"], "NOTIFY_URL": console.address, "TOKEN_FILE": str(file)}
        for again in (False, True):
            ran = subprocess.run(
                [EXAMPLES / "curl.sh", "payroll-1"], env=plain, capture_output=True, check=True, timeout=100
            )
            assert json.loads(ran.stdout)["again"] is again
        file.write_text("wrong")
        refused = subprocess.run(
            [EXAMPLES / "curl.sh", "payroll-2"], env=plain, capture_output=True, check=False, timeout=100
        )
    assert refused.returncode == 22
    (document,) = accepted(redis_server)
    assert document["to"] == ["ops@example.com"]


@pytest.mark.parametrize("place", ["airflow.sdk", "airflow.notifications.basenotifier"])
def test_the_notifier_for_airflow_hands_each_try_over_by_our_client(
    redis_server: redis.Redis, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Airflow is not installed here: its base class is a stand-in, so this says nothing of Airflow itself."""
    for part in ("airflow", "airflow.sdk", "airflow.notifications", "airflow.notifications.basenotifier"):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    monkeypatch.setattr(sys.modules[place], "BaseNotifier", type("BaseNotifier", (), {}), raising=False)
    monkeypatch.syspath_prepend(PROJECT / "clients")
    monkeypatch.setenv("NOTIFY_REDIS_URL", environ["NOTIFY_REDIS_URL"])
    spec = importlib.util.spec_from_file_location("airflow_notifier", EXAMPLES / "airflow_notifier.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notifier = module.WorkerNotifier("ops@example.com", subject="Task t\nfailed", message="M")
    task = SimpleNamespace(
        dag_id="night", run_id="r1", task_id="t", map_index=-1, try_number=1, state="failed"
    )
    notifier.notify({"ti": task})
    _, first = queued(redis_server)
    assert (first.to, first.subject, first.context.job) == (("ops@example.com",), "Task t failed", "t")
    ids = []
    for number in (1, 2):
        redis_server.flushall()
        task.try_number = number
        notifier.notify({"ti": task})
        ids.append(queued(redis_server)[1].id)
    assert ids[0] == first.id != ids[1]
