"""A task that sends by Apprise."""

from __future__ import annotations

import os
from typing import Final

import apprise

from benchmarks.stand.same_settings import celery_app

QUEUE: Final = "benchmark.apprise"
TASK: Final = "benchmark.apprise"

app = celery_app(QUEUE)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def send(to: str, subject: str, text: str) -> None:
    """Send one mail."""
    sender = apprise.Apprise()
    sender.add(
        f"mailto://127.0.0.1:{os.environ['BENCHMARK_SINK']}/{to}?from=noreply@mycorp.com&mode=insecure&format=text"
    )
    if not sender.notify(title=subject, body=text):
        raise RuntimeError("Apprise did not send it")
