"""From any Celery app by `send_task`, with nothing of the notifier installed: celery[redis] will do."""

from __future__ import annotations

import os
import uuid

from celery import Celery

app = Celery(broker=os.environ["NOTIFY_REDIS_URL"])


def send(to: str, subject: str, message: str) -> str:
    """Hand an e-mail to the notifier's workers, and return its id."""
    notification_id = str(uuid.uuid4())
    app.send_task(
        "notify.submit",
        kwargs={
            "notification": {
                "version": 1,
                "id": notification_id,
                "channel": "email",
                "to": to,
                "subject": subject,
                "message": message,
            }
        },
        # Without its name the message waits where nobody of the notifier's looks.
        queue="notify.normal",
        task_id=notification_id,
        # Nobody reads the answer, and Flower shows neither address nor text.
        ignore_result=True,
        argsrepr="()",
        kwargsrepr="{}",
    )
    return notification_id


if __name__ == "__main__":
    print(send("ops@example.com", "Payroll failed", "It ended with 8."))
