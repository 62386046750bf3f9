"""A Celery app whose one task does nothing, with the settings of the notifier's own: `-A` of a worker.

Transport, pool, slots, prefetch, acknowledgement and events are the notifier's; its transport is the mended
one, which makes the empty task faster than stock Celery does.
"""

from __future__ import annotations

import socket
from typing import Final

from celery import Celery
from kombu import Queue

from workers.celery import app as notifier

QUEUE: Final = "benchmark.empty"
TASK: Final = "benchmark.empty"
TELLING_TASK: Final = "benchmark.telling"

app = Celery("benchmark", broker=notifier.conf.broker_url, set_as_current=False)
app.conf.update(
    {
        name: notifier.conf[name]
        for name in (
            *("accept_content", "task_serializer", "event_serializer", "task_acks_late"),
            *("worker_pool", "worker_concurrency", "worker_prefetch_multiplier"),
            *("worker_send_task_events", "task_send_sent_event", "task_track_started"),
            *("worker_cancel_long_running_tasks_on_connection_loss", "broker_transport_options"),
        )
    }
)
app.conf.update(
    task_queues=[Queue(QUEUE, routing_key=QUEUE)],
    task_default_queue=QUEUE,
    task_ignore_result=True,
)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def empty() -> None:
    """Nothing."""


@app.task(name=TELLING_TASK)  # type: ignore[untyped-decorator]
def telling(port: int) -> None:
    """Nothing but saying that it runs, by the cheapest way there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.sendto(b"runs", ("127.0.0.1", port))
