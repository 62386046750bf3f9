"""kombu's Redis transport, mended: kombu 5.7.0 crashes a worker or leaves it deaf after a Redis restart.

Defects of that one version are overridden here, and one more override saves a fifth of the main loop's time:

- While a channel closes after a lost connection it asks its connection, already gone, for parameters, and the
  `AttributeError` is not one that the consumer recovers from: the worker exits.
- An acknowledgement that fails leaves the prefetch credit taken for ever: with all credit gone the worker
  lives, sends heartbeats, and never fetches again. The visibility timeout redelivers what was not
  acknowledged, so the credit may go at once.
- While Redis is at its `maxmemory` the note that a message is not acknowledged is refused, after the message
  was taken off its list: it is lost. What is given back and what is rung for is refused as well, and a worker
  that starts then gives up; see `full_redis`.
- Each operation builds a new client object; one a channel is enough.
- What is marked as `FIRST` goes to that end of its list from which messages are taken.
- How many heard a message that goes to all who listen is told by Redis and thrown away; see `heard_by`.

With any other version of kombu this module changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import kombu
import redis
from kombu.transport import TRANSPORT_ALIASES, _transport_cache, virtual
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps

from settings_store.logs import EventLog
from tasks import queue_order
from tasks.full_redis import client_class

MENDED_VERSIONS = frozenset({"5.7.0"})
#: The header of a message that is taken before all that wait in its queue.
FIRST = "notify_first"


#: What reading a message that nobody of ours wrote can raise; lost connections are none of these.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

_log = EventLog(__name__)


class QoS(kombu_redis.QoS):
    """Frees the prefetch credit of a message even where its acknowledgement does not reach Redis."""

    def can_consume(self) -> bool:
        """Whether a message may be taken now; what is said to all, as commands are, whenever it comes."""
        # kombu asks before it reads whatever came. Commands come over a channel that takes nothing else.
        is_work = not self.channel.active_fanout_queues
        return not (is_work and queue_order.takes_none()) and bool(super().can_consume())  # type: ignore[no-untyped-call]

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; the credit is free afterwards whatever happens."""
        try:
            self._remove_from_indices(delivery_tag).execute()  # type: ignore[no-untyped-call]
        finally:
            virtual.QoS.ack(self, delivery_tag)


class _Mended:
    """What both channels have in common.

    Attributes:
        heard_by: How many heard the last message that went to all who listen; None before the first.
    """

    QoS = QoS
    heard_by: int | None = None
    connection: Any
    pool: Any
    qos: Any
    global_keyprefix: str

    def _connparams(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002  # kombu's signature
        if self.connection is None or self.connection.client is None:
            # Of the errors that the consumer recovers from; AttributeError is not.
            raise redis.exceptions.ConnectionError("the channel is closed")
        return super()._connparams(asynchronous)  # type: ignore[misc]

    @contextlib.contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """The client given, or the channel's own."""
        if client:
            yield client
            return
        pool, own = self.pool, self.__dict__.get("_own_client")
        if own is None or own.connection_pool is not pool:
            own = self.__dict__["_own_client"] = self._create_client()  # type: ignore[attr-defined]
        yield own

    def _get_client(self) -> Any:
        super()._get_client()  # type: ignore[misc]  # it refuses a client library that is too old
        return client_class(self.global_keyprefix)

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        if not message["headers"].get(FIRST):
            super()._put(queue, message, **options)  # type: ignore[misc]
            return
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))  # type: ignore[attr-defined]
        with self.conn_or_acquire() as client:
            client.rpush(key, dumps(message))

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **options: Any) -> None:
        if options.get("_publish_batch") is not None:
            super()._put_fanout(exchange, message, routing_key, **options)  # type: ignore[misc]
            return
        topics, payload = self._get_publish_topics(exchange, routing_key), dumps(message)  # type: ignore[attr-defined]
        with self.conn_or_acquire() as client:
            self.heard_by = sum(client.publish(topic, payload) for topic in topics)

    def _brpop_read(self, **options: Any) -> Any:
        before = set(self.qos._delivered)  # noqa: SLF001  # kombu tells no other way what it just handed over
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except _UNREADABLE as error:
            # Garbage in a queue would end the worker, come back, and end the next one.
            for tag in set(self.qos._delivered) - before:  # noqa: SLF001
                self.qos.ack(tag)
            _log.error("message_dropped", reason="unreadable", error=type(error).__name__)
            return True


class Channel(_Mended, kombu_redis.Channel):
    """A channel to one Redis."""


class Transport(kombu_redis.Transport):
    """`redis://` and `rediss://`."""

    Channel = Channel


class SentinelChannel(_Mended, kombu_redis.SentinelChannel):
    """A channel to whichever Redis the sentinels name."""


class SentinelTransport(kombu_redis.SentinelTransport):
    """`sentinel://`."""

    Channel = SentinelChannel


def install() -> bool:
    """Have kombu use these for every connection made from now on; whether this version of it needs them."""
    if kombu.__version__ not in MENDED_VERSIONS:
        return False
    mended = f"{Transport.__module__}:{Transport.__name__}"
    sentinel = f"{SentinelTransport.__module__}:{SentinelTransport.__name__}"
    for name, transport in (("redis", mended), ("rediss", mended), ("sentinel", sentinel)):
        TRANSPORT_ALIASES[name] = transport
        # Where this process used kombu before, that remembers what the name meant then.
        _transport_cache.pop(name, None)
    return True
