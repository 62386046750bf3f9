"""Names and options of the broker that publishers and workers share."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from kombu import Connection, Producer, Queue

from settings_store import sentinel
from tasks import queue_order, rabbitmq_transport, redis_transport
from tasks.queue_order import LaneOrder

SUBMIT_TASK: Final = "notify.submit"
DELIVER_TASK: Final = "notify.deliver"
DELIVER_MANY_TASK: Final = "notify.deliver_many"
TEST_SERVER_TASK: Final = "notify.test_server"
TEST_ATTACHMENT_TASK: Final = "notify.test_attachment"
QUEUE_OF_LANE: Final = queue_order.QUEUE_OF_LANE
LANE_OF_QUEUE: Final = {queue: lane for lane, queue in QUEUE_OF_LANE.items()}

#: Above this many bells in a queue no more are rung: a backlog stays in the ledger, where it costs no
#: worker's memory and where a newer notification of high priority passes it.
QUEUE_LIMIT: Final = 1_000

#: So many first passes go in one message at the most. Files are fetched by themselves: each may hang.
BATCH_IDS: Final = 100
#: As long as there is not this much for each of so many slots, a batch is smaller: slots work side by side.
SLOTS_TO_FILL: Final = 16

#: Only `notify.submit` is acknowledged late, and it ends within the longest claim. Redelivery before that is
#: harmless: accepting is idempotent and a second claim is refused.
VISIBILITY_SECONDS: Final = 60


def queues() -> list[Queue]:
    """The four queues, in the order in which a worker serves them."""
    return [Queue(name, routing_key=name) for name in QUEUE_OF_LANE.values()]


def address(url: str) -> str:
    """The broker's address as kombu and Celery want it, who know those of Sentinels in another form."""
    return sentinel.parse(url).kombu_url() if sentinel.is_sentinel(url) else url


def transport_options(
    prefix: str = "notify", *, url: str = "", max_connections: int = 64, apart: str = ""
) -> dict[str, Any]:
    """Options for kombu's Redis transports; that of RabbitMQ ignores them.

    The unacknowledged messages have keys of their own, because everybody who shares those keys shares the
    shortest visibility timeout, and may read what is in them.

    Args:
        prefix: Of the installation.
        url: The broker's; where it names Sentinels, kombu is told of them here.
        max_connections: Of one process.
        apart: Names a program that takes no message of ours, and so has such keys for itself.
    """
    unacked = f"{prefix}.{apart}.unacked" if apart else f"{prefix}.unacked"
    return {
        **(sentinel.parse(url).kombu_options() if sentinel.is_sentinel(url) else {}),
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_key": unacked,
        "unacked_index_key": f"{unacked}_index",
        "unacked_mutex_key": f"{unacked}_mutex",
        "queue_order_strategy": f"{LaneOrder.__module__}:{LaneOrder.__qualname__}",
        "max_connections": max_connections,
        "socket_connect_timeout": 5,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 10,
        **({} if prefix == "notify" else {"global_keyprefix": f"{prefix}:"}),
    }


def install_transports() -> None:
    """Have kombu use our transports in this process."""
    redis_transport.install()
    rabbitmq_transport.install()


def connection(url: str, prefix: str = "notify") -> Connection:
    """A connection to the broker, opened when it is first used.

    It has no heartbeat: nobody would send it while nothing is published, and RabbitMQ would hang up.
    """
    install_transports()
    options = transport_options(prefix, url=url)
    return Connection(address(url), transport_options=options, connect_timeout=5, heartbeat=0)


def confirmed_together(producer: Producer) -> contextlib.AbstractContextManager[None]:
    """Within it, RabbitMQ is waited for once, at the end, and not for each message; Redis has no such wait.

    Where the connection is lost meanwhile the rest are awaited one by one, and those before it may be lost.
    """
    if producer.connection.transport.driver_type != "amqp":
        return contextlib.nullcontext()
    together: contextlib.AbstractContextManager[None] = producer.channel.confirmed_together()
    return together
