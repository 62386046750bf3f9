"""kombu's RabbitMQ transport, with what our four queues need there.

- They are quorum queues, whoever declares them through this transport: a submission is on the disks of most
  nodes when its sender is told so. The kind is said here and not in the app's list of queues, where Celery
  would read it and make 28 more queues for its delayed messages, which we have none of.
- What is published to them is confirmed by the broker, within a bounded time.
- What the broker pushes waits in a `LaneGate`: quorum queues know no limit over several of them, so each has
  its own, and the order of the lanes and the share of `notify.files` are kept here.
- Whatever waits for the broker does so for a bounded time.
- A certificate is verified, and the name in it.

Queues of others, remote control and events are left as kombu has them.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import amqp
from kombu.transport import TRANSPORT_ALIASES, _transport_cache, pyamqp

from settings_store.logs import EventLog
from tasks.lane_gate import LaneGate
from tasks.publisher_confirms import PublisherConfirms
from tasks.queue_order import QUEUE_OF_LANE

SCHEMES: Final = ("amqp", "amqps")
REPLY_TIMEOUT_SECONDS: Final = 10.0
CONFIRM_TIMEOUT_SECONDS: Final = 5.0
#: The lanes' order and shares are looked at again so often, as a share grows when a task ends.
_LOOK_AGAIN_SECONDS: Final = 0.25
#: Of a worker's window, the part for what fetches files: more would wait here while other workers are free.
_FILES_PART: Final = 4

_OURS: Final = frozenset(QUEUE_OF_LANE.values())
#: What reading a message that nobody of ours wrote can raise; lost connections are none of these.
_UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

#: What asking for a queue raises that nobody made.
NoSuchQueue: Final[type[Exception]] = amqp.NotFound

_log = EventLog(__name__)


class Channel(pyamqp.Channel):
    """A channel on which our queues are quorum queues, confirmed and gated."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.gate: Final = LaneGate()
        self._queue_of_consumer: dict[str, str] = {}
        self._confirms: Final = PublisherConfirms()
        self._together = False
        self._confirm_selected: bool = False

    def queue_declare(self, queue: str = "", passive: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002  # amqp's
        """Declare a queue; one of ours as a quorum queue, which has to be durable."""
        if queue not in _OURS or passive:
            return super().queue_declare(queue, passive, **options)
        arguments = {**(options.pop("arguments", None) or {}), "x-queue-type": "quorum"}
        options.update(durable=True, exclusive=False, auto_delete=False)
        try:
            return super().queue_declare(queue, passive, arguments=arguments, **options)
        except amqp.PreconditionFailed:
            _log.error(
                "queue_of_other_kind",
                queue=queue,
                cure="it is no quorum queue: let it run empty and delete it, then it is made anew",
            )
            raise

    def basic_publish(self, message: Any, exchange: str = "", routing_key: str = "", **options: Any) -> Any:
        """Publish; to our queues it returns when the broker has it, unless they are confirmed together."""
        options.pop("confirm_timeout", None)
        is_ours = exchange == "" and routing_key in _OURS
        if is_ours and not self._confirm_selected:
            self.confirm_select()
            self._confirm_selected = True
            self._confirms.restart()
        if self._confirm_selected:
            # Before it is sent: writing reads too, and the answer may be among what is read.
            self._confirms.published()
        answer = self._basic_publish(message, exchange, routing_key, **options)
        if is_ours and not self._together:
            self._await_confirms()
        return answer

    @contextlib.contextmanager
    def confirmed_together(self) -> Iterator[None]:
        """Wait once, at the end, for the broker to have all that is published meanwhile.

        Raises:
            TimeoutError: It does not say so in time.
            amqp.exceptions.MessageNacked: It could not take one of them.
        """
        self._together = True
        try:
            yield
        finally:
            self._together = False
        self._await_confirms()

    def _await_confirms(self) -> None:
        until = time.monotonic() + CONFIRM_TIMEOUT_SECONDS
        while self._confirms.are_awaited:
            if self.connection is None:
                raise amqp.RecoverableConnectionError(
                    "the connection was closed before a message was confirmed"
                )
            self.connection.drain_events(timeout=max(0.001, until - time.monotonic()))
        if self._confirms.take_refusal():
            raise amqp.exceptions.MessageNacked

    def _on_basic_ack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001  # amqp's
        self._confirms.answered(delivery_tag, multiple=multiple)

    def _on_basic_nack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001  # amqp's
        self._confirms.answered(delivery_tag, multiple=multiple, has_it=False)

    def basic_qos(self, prefetch_size: int, prefetch_count: int, _global: bool, **options: Any) -> Any:  # noqa: FBT001  # amqp's
        """Set how much is pushed of each queue, and how much of that is unacknowledged behind the gate."""
        self.gate.credit = prefetch_count
        return super().basic_qos(prefetch_size, prefetch_count, a_global=False, **options)

    def basic_consume(self, queue: str = "", consumer_tag: str = "", **options: Any) -> Any:
        """Have a queue's messages pushed; those of ours through the gate."""
        if queue not in _OURS or options.get("no_ack"):
            return super().basic_consume(queue, consumer_tag, **options)
        self.gate.open_lane(queue)
        options["callback"] = self._gated(queue, options["callback"])
        window = self.gate.credit
        if window and queue == QUEUE_OF_LANE["files"]:
            super().basic_qos(0, max(1, window // _FILES_PART), a_global=False)
            tag = super().basic_consume(queue, consumer_tag, **options)
            super().basic_qos(0, window, a_global=False)
        else:
            tag = super().basic_consume(queue, consumer_tag, **options)
        self._queue_of_consumer[tag] = queue
        return tag

    def basic_cancel(self, consumer_tag: str, **options: Any) -> Any:
        """Have no more pushed, and give back what has not gone through."""
        answer = super().basic_cancel(consumer_tag, **options)
        queue = self._queue_of_consumer.pop(consumer_tag, None)
        if queue is not None:
            for tag in self.gate.close_lane(queue):
                super().basic_reject(tag, requeue=True)
        return answer

    def basic_ack(self, delivery_tag: int, **options: Any) -> Any:
        """Acknowledge."""
        answer = super().basic_ack(delivery_tag, **options)
        self.gate.settle(delivery_tag)
        return answer

    def basic_reject(self, delivery_tag: int, requeue: bool, **options: Any) -> Any:  # noqa: FBT001  # amqp's
        """Give back, or throw away."""
        answer = super().basic_reject(delivery_tag, requeue, **options)
        self.gate.settle(delivery_tag)
        return answer

    def _gated(self, queue: str, callback: Callable[[Any], object]) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            tag = message.delivery_tag

            def hand_over() -> None:
                try:
                    callback(message)
                except _UNREADABLE as error:
                    # Garbage in a queue would end the worker, come back, and end the next one.
                    _log.error("message_dropped", reason="unreadable", error=type(error).__name__)
                    if self.gate.is_unsettled(tag):
                        self.basic_ack(tag)

            self.gate.take(queue, tag, hand_over)

        return take


class Connection(pyamqp.Connection):
    """A connection on which nobody waits without end."""

    Channel = Channel

    def drain_events(self, timeout: float | None = None) -> Any:
        """Read what the broker sends; where no time is given it is bounded all the same.

        Raises:
            TimeoutError: Nothing came.
        """
        return super().drain_events(REPLY_TIMEOUT_SECONDS if timeout is None else timeout)


class Transport(pyamqp.Transport):
    """`amqp://`."""

    Connection = Connection

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Have the worker's loop read from the connection, and look at the gates now and then."""
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]

        def look_again() -> None:
            if connection.connected:
                for channel in list(connection.channels.values()):
                    if isinstance(channel, Channel):
                        channel.gate.let_through()

        loop.call_repeatedly(_LOOK_AGAIN_SECONDS, look_again)


class SSLTransport(Transport, pyamqp.SSLTransport):
    """`amqps://`."""

    def establish_connection(self) -> Any:
        """Connect; the certificate and the name in it are verified.

        kombu alone would verify the certificate and not the name, and would look for 127.0.0.1 where
        localhost is meant.
        """
        client: Any = self.client
        given = client.ssl if isinstance(client.ssl, dict) else {}
        authorities = given.get("ssl_ca_certs") or given.get("ca_certs")
        client.ssl = {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": client.hostname,
            **({"ca_certs": authorities} if authorities else {}),
        }
        return super().establish_connection()  # type: ignore[no-untyped-call]


def is_of_our_kind(channel: Any, queue: str) -> bool:
    """Whether a queue that is there is a quorum queue; where that may not be asked it is taken for one."""
    arguments = {"x-queue-type": "quorum"}
    try:
        pyamqp.Channel.queue_declare(channel, queue, durable=True, auto_delete=False, arguments=arguments)
    except amqp.PreconditionFailed:
        return False
    except amqp.AccessRefused:
        return True
    return True


def install() -> None:
    """Have kombu use these for every connection made from now on."""
    for scheme, transport in zip(SCHEMES, (Transport, SSLTransport), strict=True):
        TRANSPORT_ALIASES[scheme] = f"{transport.__module__}:{transport.__name__}"
        _transport_cache.pop(scheme, None)


def is_rabbitmq(url: str) -> bool:
    """Whether this address is one of RabbitMQ."""
    return url.partition("://")[0].lower() in SCHEMES
