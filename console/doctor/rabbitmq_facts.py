"""Looks at RabbitMQ: of which kind our queues are, who consumes them, and what lies where nobody looks."""

from __future__ import annotations

import contextlib
from typing import Any

from console.doctor.facts import RabbitMQFacts
from settings_store.environment import Environment
from tasks import broker
from tasks.rabbitmq_transport import NoSuchQueue, is_of_our_kind

FOREIGN_QUEUE = "celery"


def rabbitmq_facts(environment: Environment) -> RabbitMQFacts:
    """What it tells without the management plugin.

    Raises:
        kombu.exceptions.OperationalError: It does not answer.
    """
    with broker.connection(environment.broker_url, environment.prefix) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        found: dict[str, tuple[int, int]] = {}
        for queue in (FOREIGN_QUEUE, *broker.QUEUE_OF_LANE.values()):
            with contextlib.suppress(NoSuchQueue):
                told = connection.default_channel.queue_declare(queue, passive=True)
                found[queue] = (told.message_count, told.consumer_count)
        properties: Any = connection.connection.server_properties
        messages, consumers = found.pop(FOREIGN_QUEUE, (0, 0))
        return RabbitMQFacts(
            version=str(properties.get("version", "")),
            other_kind=tuple(
                queue for queue in found if not is_of_our_kind(connection.default_channel, queue)
            ),
            consumers={queue: count for queue, (_, count) in found.items()},
            unread=0 if consumers else messages,
        )
