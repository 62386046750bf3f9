"""A notifier for Airflow 2.6 and later: put it and `notify_client.py` where Airflow imports from.

    from airflow_notifier import WorkerNotifier

    with DAG(..., default_args={"on_failure_callback": WorkerNotifier("ops@example.com")}):

The broker is that of `NOTIFY_REDIS_URL` in the environment of Airflow's workers, or of its scheduler for the
callbacks of a whole DAG.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import notify_client

try:
    from airflow.sdk import BaseNotifier  # Airflow 3
except ImportError:
    from airflow.notifications.basenotifier import BaseNotifier  # Airflow 2


class WorkerNotifier(BaseNotifier):  # noqa: AIR301  # where it is in Airflow 2
    """Tells of a task that ended, once for each try of it."""

    template_fields = ("to", "subject", "message")

    def __init__(
        self,
        to: str,
        *,
        subject: str = "Task {{ ti.task_id }} of {{ dag.dag_id }}: {{ ti.state }}",
        message: str = "Run {{ run_id }}, try {{ ti.try_number }}.\n{{ ti.log_url }}\n",
        channel: str = "email",
    ) -> None:
        super().__init__()
        self.to = to
        self.subject = subject
        self.message = message
        self.channel = channel

    def notify(self, context: Mapping[str, Any]) -> None:
        """Hand it to the notifier's workers; the fields are rendered by then."""
        task = context["ti"]
        # A callback that Airflow runs again is accepted once.
        told = (
            *(task.dag_id, task.run_id, task.task_id, task.map_index, task.try_number, task.state),
            *(self.channel, self.to, self.subject, self.message),
        )
        subject = {"subject": " ".join(self.subject.split())} if self.channel == "email" else {}
        notify_client.send(
            self.channel,
            self.to,
            self.message,
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(map(str, told)))),
            context={"schedule": task.dag_id, "job": task.task_id, "status": str(task.state)},
            **subject,
        )
