"""Bells: tell a worker, through the broker, that a notification wants a pass.

A bell carries an id, or some, and nothing else. It may be lost or come twice: the ledger rings again, and
refuses a second claim. Bells are written in Celery's message protocol, version 2, so that any Celery worker
takes them.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import kombu
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import ProducerPool
from kombu.resource import Resource

from tasks import broker, rabbitmq_transport, redis_transport
from tasks.bell_message import task_message, written
from tasks.ledger import LANES, Bell

_DEPTH_KNOWN_FOR_SECONDS: Final = 0.25
_CONNECTIONS_MAXIMUM: Final = 10
_WAIT_FOR_CONNECTION_SECONDS: Final = 10
#: A broker that restarts is back within the second; for one that stays away the ledger rings again.
_TRIES: Final = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.4}


class Bells:
    """Rings bells over one broker; safe between threads. Nothing is opened before the first bell."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "notify",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Of this object's own: those that kombu keeps for a whole process go along into a child of a fork.
        self._connection = broker.connection(url, prefix)
        self._key_prefix = (self._connection.transport_options or {}).get("global_keyprefix", "")
        self._connections = self._connection.Pool(limit=_CONNECTIONS_MAXIMUM)
        self._producers = ProducerPool(self._connections, limit=_CONNECTIONS_MAXIMUM)
        self._clock = clock
        self._lock = threading.Lock()
        self._depths: dict[str, tuple[float, int]] = {}

    def ring(self, bells: Iterable[tuple[str, str, int]], *, first: bool = False) -> int:
        """Enqueue a pass for each (id, lane, passes made); how many were rung.

        Args:
            bells: Those.
            first: Put each before all that wait in its queue, where the broker can: RabbitMQ cannot.

        Raises:
            kombu.exceptions.OperationalError: The broker cannot be reached or takes nothing; some may have
                been rung.
        """
        rung = 0
        tries = self._tries()
        with self._acquired(self._producers) as producer, broker.confirmed_together(producer):
            for notification_id, lane, passes in bells:
                message = task_message(broker.DELIVER_TASK, notification_id, passes, notification_id)
                _send(producer, lane, notification_id, _marked(message) if first else message, tries)
                rung += 1
                self._count(lane)
        return rung

    def ring_together(
        self, ids: Sequence[str], lane: str, *, among: int = 0, in_turn: bool = False, first: bool = False
    ) -> int:
        """Enqueue the first passes of many, some to a message; how many were rung.

        Few are rung for by themselves, as are those that fetch files.

        Args:
            ids: Which.
            lane: Of all of them.
            among: How many are rung for about now, where these are a part of them.
            in_turn: Have as few slots as can be at them, one after another.
            first: As for `ring`; they are taken in their order.

        Raises:
            The same as `ring`.
        """
        size = broker.BATCH_IDS if in_turn and lane != "files" else batch_size(among or len(ids), lane)
        # What is put before all others last is taken first.
        order = reversed if first else iter
        if size == 1:
            return self.ring(((each, lane, 0) for each in order(ids)), first=first)
        tries = self._tries()
        with self._acquired(self._producers) as producer, broker.confirmed_together(producer):
            for some in order(list(_in_parts(ids, size))):
                task_id = str(uuid.uuid4())
                message = task_message(broker.DELIVER_MANY_TASK, task_id, 0, some)
                _send(producer, lane, task_id, _marked(message) if first else message, tries)
                self._count(lane)
        return len(ids)

    def written(self, ids: Sequence[str], lane: str, *, among: int = 0) -> list[Bell]:
        """What `ring_together` would put into the lane's queue, for whoever writes that itself."""
        queue = broker.QUEUE_OF_LANE[lane]
        key, size = f"{self._key_prefix}{queue}", batch_size(among or len(ids), lane)
        if size == 1:
            return [Bell(key, written(broker.DELIVER_TASK, each, each, queue), (each,)) for each in ids]
        return [
            Bell(key, written(broker.DELIVER_MANY_TASK, str(uuid.uuid4()), some, queue), tuple(some))
            for some in _in_parts(ids, size)
        ]

    def ask_test(self, test_id: str, task: str = broker.TEST_SERVER_TASK, lane: str = LANES[0]) -> None:
        """Ask a worker for the test whose draft has this id.

        Args:
            test_id: The id.
            task: What makes tests of its family.
            lane: In whose queue; the first is served before all others.

        Raises:
            kombu.exceptions.OperationalError: The broker cannot be reached or does not take it.
        """
        with self._acquired(self._producers) as producer:
            _send(producer, lane, test_id, task_message(task, test_id, 0, test_id), self._tries())

    def room(self, lane: str) -> int:
        """How many more bells the lane's queue takes before it holds as many as it may.

        Raises:
            kombu.exceptions.OperationalError: The broker cannot be reached.
        """
        return max(0, broker.QUEUE_LIMIT - self.depth(lane))

    def depth(self, lane: str) -> int:
        """How many bells wait in the lane's queue, as of a moment ago.

        Raises:
            kombu.exceptions.OperationalError: The broker cannot be reached.
        """
        with self._lock:
            known = self._depths.get(lane)
        if known is None or self._clock() - known[0] > _DEPTH_KNOWN_FOR_SECONDS:
            known = (self._clock(), self._depth(broker.QUEUE_OF_LANE[lane]))
            with self._lock:
                self._depths[lane] = known
        return known[1]

    def close(self) -> None:
        """Close what was opened."""
        self._producers.force_close_all()
        self._connections.force_close_all()

    @contextlib.contextmanager
    def _acquired(self, pool: Resource) -> Iterator[Any]:
        """One of a pool, with one error for whatever keeps the broker from doing what it is asked."""
        try:
            with pool.acquire(block=True, timeout=_WAIT_FOR_CONNECTION_SECONDS) as acquired:
                try:
                    yield acquired
                except Exception:
                    _hang_up(acquired)
                    raise
        except OperationalError:
            raise
        except (
            LimitExceeded,
            *self._connection.connection_errors,
            *self._connection.recoverable_connection_errors,
            *self._connection.channel_errors,
        ) as error:
            raise OperationalError(f"the broker does not take it ({type(error).__name__})") from error

    def _count(self, lane: str, messages: int = 1) -> None:
        with self._lock:
            at, depth = self._depths.get(lane, (0.0, 0))
            self._depths[lane] = (at, depth + messages)

    def _depth(self, queue: str) -> int:
        with self._acquired(self._connections) as connection:
            tries = self._tries()
            connection.ensure_connection(timeout=_WAIT_FOR_CONNECTION_SECONDS, **tries)
            bound = kombu.Queue(queue, routing_key=queue, channel=connection.default_channel)
            if connection.transport.driver_type == "amqp":
                # Asked about at first: that needs no right to make queues, and works whoever made it.
                with contextlib.suppress(rabbitmq_transport.NoSuchQueue):
                    return self._declared(connection, bound, tries, passive=True)
            # In Redis, asking for a queue that nobody made yet is the same error as for one that is empty.
            return self._declared(connection, bound, tries, passive=False)

    @staticmethod
    def _declared(connection: Any, bound: kombu.Queue, tries: Mapping[str, Any], *, passive: bool) -> int:
        declare = connection.ensure(bound, bound.queue_declare, **tries)
        depth: int = declare(passive=passive).message_count
        return depth

    def _tries(self) -> dict[str, Any]:
        """How often something is tried: no more once a broker said nothing for as long as it is given."""
        until = self._clock() + _WAIT_FOR_CONNECTION_SECONDS

        def go_on(error: Exception, _interval: float) -> None:
            if self._clock() >= until:
                raise error

        return {**_TRIES, "errback": go_on}


def _hang_up(acquired: Any) -> None:
    """Drop a connection to RabbitMQ on which an answer may come late: the next would be taken for its own."""
    connection = acquired if isinstance(acquired, kombu.Connection) else acquired.connection
    if connection.transport.driver_type == "amqp":
        connection.collect()


def batch_size(count: int, lane: str) -> int:
    """How many of so many first passes of a lane go in one message."""
    return 1 if lane == "files" else min(max(count // broker.SLOTS_TO_FILL, 1), broker.BATCH_IDS)


def messages_for(count: int, lane: str, *, among: int = 0) -> int:
    """How many messages they are together, where they are a part of so many."""
    return math.ceil(count / batch_size(among or count, lane))


def _marked(message: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """A message that goes before all that wait in its queue."""
    body, headers = message
    return body, {**headers, redis_transport.FIRST: True}


def _in_parts(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _send(
    producer: Any, lane: str, task_id: str, message: tuple[Any, Mapping[str, Any]], tries: Mapping[str, Any]
) -> None:
    body, headers = message
    producer.publish(
        body,
        routing_key=broker.QUEUE_OF_LANE[lane],
        exchange="",
        serializer="json",
        headers=headers,
        correlation_id=task_id,
        delivery_mode=2,
        declare=[],
        retry=True,
        retry_policy=tries,
    )
