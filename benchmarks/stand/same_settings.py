"""Celery apps that have the settings of the notifier's own, for what it is compared with."""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from workers.celery import app as notifier

_SAME = (
    *("accept_content", "task_serializer", "event_serializer", "task_acks_late"),
    *("worker_pool", "worker_concurrency", "worker_prefetch_multiplier"),
    *("worker_send_task_events", "task_send_sent_event", "task_track_started"),
    *("worker_cancel_long_running_tasks_on_connection_loss", "broker_transport_options"),
)


def celery_app(queue: str) -> Celery:
    """An app that serves one queue.

    Transport, pool, slots, prefetch, acknowledgement and events are the notifier's; its transport is the
    mended one, which makes others faster than stock Celery would.
    """
    app = Celery(queue, broker=notifier.conf.broker_url, set_as_current=False)
    app.conf.update({name: notifier.conf[name] for name in _SAME})
    app.conf.update(
        task_queues=[Queue(queue, routing_key=queue)], task_default_queue=queue, task_ignore_result=True
    )
    return app
