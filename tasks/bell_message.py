"""A bell in Celery's message protocol, version 2: what is published, and how it stands in a Redis queue."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import msgspec

from tasks import tracing


def task_message(task: str, task_id: str, retries: int, argument: object) -> tuple[Any, dict[str, Any]]:
    """Body and headers of a task message: one row in Flower for all passes, with their number as retries."""
    headers: dict[str, Any] = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "shadow": None,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "group_index": None,
        "retries": retries,
        "eta": None,
        "expires": None,
        "timelimit": [None, None],
        "argsrepr": f"({argument!r},)" if isinstance(argument, str) else "()",
        "kwargsrepr": "{}",
        "origin": "notify",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
    if traceparent := tracing.carrier():
        headers["traceparent"] = traceparent
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return ((argument,), {}, embed), headers


def written(task: str, task_id: str, argument: object, queue: str) -> str:
    """The bell for first passes as kombu's Redis transport writes it into a queue."""
    body, headers = task_message(task, task_id, 0, argument)
    envelope = {
        "body": base64.b64encode(msgspec.json.encode(body)).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return msgspec.json.encode(envelope).decode()
