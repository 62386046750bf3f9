"""A Celery app of somebody else's, in a process that can import nothing of ours."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

_PROGRAM = """
import importlib.util, json, sys
url, packages, calls = sys.argv[1], sys.argv[2], json.load(sys.stdin)
sys.path.append(packages)
assert importlib.util.find_spec("tasks") is None, "this process sees our code"
from celery import Celery

app = Celery("somebody", broker=url, backend=url)
sent = [app.send_task("notify.submit", queue="notify.normal", **call) for call in calls]
outcomes = []
for result in sent:
    try:
        answer = None if result.ignored else result.get(timeout=15)
        outcomes.append({"task": result.id, "answer": answer})
    except Exception as error:
        outcomes.append({"task": result.id, "error": type(error).__name__, "says": str(error)})
json.dump(outcomes, sys.stdout)
"""


def send_tasks(url: str, calls: list[dict[str, Any]], *, folder: Path) -> list[dict[str, Any]]:
    """Send `notify.submit` with each of these options of `send_task`, and wait for all results.

    Args:
        url: Broker and result backend, both with Celery's defaults.
        calls: For example `{"kwargs": {...}, "task_id": "..."}`.
        folder: Where it runs.
    """
    ran = subprocess.run(
        # Isolated, and without `site`, which would make what is installed for development importable.
        [sys.executable, "-I", "-S", "-c", _PROGRAM, url, sysconfig.get_path("purelib")],
        input=json.dumps(calls),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert ran.returncode == 0, ran.stderr
    outcomes: list[dict[str, Any]] = json.loads(ran.stdout)
    return outcomes
