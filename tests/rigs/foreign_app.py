"""Somebody else's programs, in processes that can import Celery and nothing of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_APART = """
import importlib.util, json, sys
packages, given = sys.argv[1], json.load(sys.stdin)
sys.path.append(packages)
assert importlib.util.find_spec("tasks") is None, "this process sees our code"
"""
_SEND_TASKS = """
from celery import Celery

app = Celery("somebody", broker=given["url"], backend=given["backend"])
app.conf.update(given["settings"])
sent = [app.send_task("notify.submit", queue="notify.normal", **call) for call in given["calls"]]
answer = []
for result in sent:
    try:
        got = None if result.ignored else result.get(timeout=15)
        answer.append({"task": result.id, "answer": got})
    except Exception as error:
        answer.append({"task": result.id, "error": type(error).__name__, "says": str(error)})
"""

_CLIENT = Path(__file__).resolve().parents[2] / "clients" / "notify_client.py"
_SEND_BY_CLIENT = """
import sys
sys.path.insert(0, given["folder"])
import notify_client

try:
    sent = notify_client.send("email", ["a@b.example"], "M", wait_seconds=given["wait"])
    answer = {"id": sent.id, "number": sent.number}
except notify_client.NotifyError as error:
    answer = {"error": type(error).__name__, "says": str(error)}
"""


def run_apart(program: str, given: object, *, folder: Path, environ: Mapping[str, str] | None = None) -> Any:
    """What a program leaves in `answer`, given something in `given`; both as JSON.

    Args:
        program: Python.
        given: For the program.
        folder: Where it runs.
        environ: Variables besides the inherited ones, of which those of ours are left out.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
    ran = subprocess.run(
        # Isolated, and without `site`, which would make what is installed for development importable.
        [
            *(sys.executable, "-I", "-S", "-c"),
            f"{_APART}\n{program}\njson.dump(answer, sys.stdout)",
            sysconfig.get_path("purelib"),
        ],
        input=json.dumps(given),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=folder,
        env={**inherited, **(environ or {})},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def send_tasks(
    url: str,
    calls: list[dict[str, Any]],
    *,
    folder: Path,
    backend: str = "",
    settings: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Send `notify.submit` with each of these options of `send_task`, and wait for all results.

    Args:
        url: The broker.
        calls: For example `{"kwargs": {...}, "task_id": "..."}`.
        folder: Where it runs.
        backend: The result backend; the broker's unless given.
        settings: Of the app, which has Celery's defaults else.
    """
    given = {"url": url, "backend": backend or url, "calls": calls, "settings": dict(settings or {})}
    outcomes: list[dict[str, Any]] = run_apart(_SEND_TASKS, given, folder=folder)
    return outcomes


def send_by_client(
    folder: Path, environ: Mapping[str, str], *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Send one mail by the client that others copy; what it returned or raised."""
    shutil.copy(_CLIENT, folder)
    given = {"wait": wait_seconds, "folder": str(folder)}
    outcome: dict[str, Any] = run_apart(_SEND_BY_CLIENT, given, folder=folder, environ=environ)
    return outcome
