"""Looks at the broker: our queues, and the places where our messages do not belong."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final

import kombu.exceptions
import redis

from console.doctor.facts import BrokerFacts
from console.doctor.rabbitmq_facts import rabbitmq_facts
from settings_store.environment import Environment
from settings_store.redis_client import connect
from tasks.bells import Bells
from tasks.broker import QUEUE_OF_LANE, transport_options
from tasks.ledger import LANES
from tasks.rabbitmq_transport import is_rabbitmq

#: Celery's own queue, and kombu's own hash of what consumers hold, for whoever names no other.
FOREIGN_QUEUE: Final = "celery"
FOREIGN_UNACKNOWLEDGED: Final = "unacked"
#: So many messages are read at most; the figures of a longer queue are of these.
LOOK_MAXIMUM: Final = 1000
_OURS: Final = "notify."
_SECOND_MS: Final = 1000


def broker_facts(environment: Environment) -> BrokerFacts:
    """What lies in the broker; a fault where it does not answer."""
    bells = Bells(environment.broker_url, prefix=environment.prefix)
    try:
        waiting = {lane: bells.depth(lane) for lane in LANES}
    except (kombu.exceptions.OperationalError, OSError) as error:
        return BrokerFacts(fault=type(error).__name__)
    finally:
        bells.close()
    if is_rabbitmq(environment.broker_url):
        return BrokerFacts(waiting=waiting, rabbitmq=rabbitmq_facts(environment))
    if not environment.broker_url.startswith(("redis://", "rediss://", "sentinel://", "sentinels://")):
        return BrokerFacts(waiting=waiting)
    client = connect(environment.broker_url, retries=0)
    # What other programs put there may be no text.
    client.connection_pool.connection_kwargs["encoding_errors"] = "replace"
    with contextlib.closing(client):
        lying: Any = client.lrange(FOREIGN_QUEUE, -LOOK_MAXIMUM, -1)
        key_prefix = transport_options(environment.prefix).get("global_keyprefix", "")
        ours = [message for message in lying if _is_ours(message)]
        return BrokerFacts(
            waiting=waiting,
            stranded=len(ours),
            queue=f"{key_prefix}{QUEUE_OF_LANE['normal']}",
            stranded_alone=len(ours) == len(lying),
            taken_by_others=_taken_by_others(client),
            oldest_unacknowledged_ms=_oldest(client, environment.prefix),
        )


def _is_ours(message: Any) -> bool:
    """Whether a message in kombu's form asks for a task of ours."""
    try:
        return str(json.loads(message)["headers"]["task"]).startswith(_OURS)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def _taken_by_others(client: redis.Redis) -> int:
    """How many messages of our queues a consumer with Celery's own keys holds."""
    count = 0
    held: Any
    for place, (_, held) in enumerate(client.hscan_iter(FOREIGN_UNACKNOWLEDGED, count=100)):
        if place >= LOOK_MAXIMUM:
            break
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            _message, _exchange, routing_key = json.loads(held)
            count += str(routing_key).startswith(_OURS)
    return count


def _oldest(client: redis.Redis, prefix: str) -> int | None:
    options = transport_options(prefix)
    key = options.get("global_keyprefix", "") + options["unacked_index_key"]
    oldest: Any = client.zrange(key, 0, 0, withscores=True)
    return int(oldest[0][1] * _SECOND_MS) if oldest else None
