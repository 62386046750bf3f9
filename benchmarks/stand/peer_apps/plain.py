"""A task that opens `smtplib` for each mail."""

from __future__ import annotations

import os
import smtplib
from email.message import EmailMessage
from typing import Final

from benchmarks.stand.same_settings import celery_app

QUEUE: Final = "benchmark.plain"
TASK: Final = "benchmark.plain"

app = celery_app(QUEUE)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def send(to: str, subject: str, text: str) -> None:
    """Send one mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "noreply@mycorp.com", to, subject
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", int(os.environ["BENCHMARK_SINK"]), timeout=30) as client:
        client.send_message(message)
