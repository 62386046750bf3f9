"""The fleet's gauges: read from Redis by whichever process is scraped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, get_args

import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from settings_store.own_options.secret_expiry import SECRETS
from settings_store.snapshot import Snapshot
from tasks.breaker import BreakerState
from tasks.fallback import Condition
from tasks.ledger import Priority
from tasks.metrics.fleet_reading import FleetReader, FleetReading, OptionsReading
from tasks.server_status import ServerStatus

#: Whoever asks more often gets the last answer: nobody can load Redis through an open port.
ANSWER_KEPT_SECONDS: Final = 1.0
_MS: Final = 1000
_BREAKER_STATES: Final = get_args(BreakerState)
_CONDITIONS: Final = get_args(Condition)
_PRIORITIES: Final = get_args(Priority)


class FleetGauges(Collector):
    """Tells how the fleet stands; where Redis does not answer, `notify_redis_up 0` and nothing else.

    Args:
        client: From `settings_store.redis_client.connect`; one that waits long makes a scrape wait.
        snapshot: Gives the options, as `SettingsStore.snapshot` does.
        prefix: First part of every key.
        clock: Unix seconds.
        elapsed: Seconds that only grow.
    """

    def __init__(
        self,
        client: redis.Redis,
        snapshot: Callable[[], Snapshot],
        *,
        prefix: str = "notify",
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = FleetReader(client, snapshot, prefix=prefix, clock=clock)
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._read_at = -ANSWER_KEPT_SECONDS

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be registered is no reason to ask Redis."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The gauges, as of a second ago at most."""
        with self._lock:
            now = self._elapsed()
            if now - self._read_at >= ANSWER_KEPT_SECONDS:
                self._kept = list(self._look())
                self._read_at = self._elapsed()
            return self._kept

    def _look(self) -> Iterator[Metric]:
        try:
            reading = self._reader.read()
        except redis.RedisError:
            yield _gauge("redis_up", "Whether the ledger's Redis answers.", 0)
            return
        yield _gauge("redis_up", "Whether the ledger's Redis answers.", 1)
        yield from _of_ledger(reading)
        yield from _of_workers(reading)
        yield _gauge("options_readable", "Whether the options can be read.", reading.options is not None)
        if reading.options is not None:
            yield from _of_options(reading.options)


def _of_ledger(reading: FleetReading) -> Iterator[Metric]:
    yield _labelled("notifications", "Notifications that the ledger has, by state.", "state", reading.counts)
    accepted = CounterMetricFamily("notify_ledger_accepted", "Notifications that were ever accepted.")
    accepted.add_metric((), reading.accepted)
    yield accepted
    yield _labelled(
        "queue_age_seconds",
        "For how long the oldest notification that a worker could take waits for one; 0 where none waits.",
        "priority",
        {each: _age(reading, reading.queued_since_ms.get(each)) for each in _PRIORITIES},
    )
    yield _gauge("overdue", "Notifications that the sweepers should have looked at by now.", reading.overdue)
    yield _gauge(
        "overdue_seconds",
        "For how long the oldest notification is overdue; above some seconds no sweeper runs.",
        _age(reading, reading.overdue_since_ms),
    )
    if reading.memory_used is not None:
        yield _gauge(
            "redis_memory_ratio",
            "Memory that Redis uses, of maxmemory; from 0.85 on nothing is accepted.",
            reading.memory_used,
        )


def _of_workers(reading: FleetReading) -> Iterator[Metric]:
    lives = [member.life for member in reading.workers if member.life is not None]
    revision = reading.options.revision if reading.options else 0
    yield _gauge("workers", "Workers that live.", len(lives))
    yield _gauge(
        "workers_gone",
        "Workers that ended within a day without saying so.",
        len(reading.workers) - len(lives),
    )
    yield _gauge(
        "workers_unfit", "Workers that live and take no work.", sum(bool(life.unfit) for life in lives)
    )
    yield _gauge(
        "workers_behind",
        "Workers whose last word was of an older revision of the options.",
        sum(life.revision < revision for life in lives),
    )
    yield _gauge("worker_slots", "Tasks that all workers can run at once.", sum(life.slots for life in lives))
    yield _gauge("worker_busy", "Tasks that run now.", sum(life.busy for life in lives))
    yield _gauge(
        "connections_kept",
        "Connections to servers that workers keep open and do not use.",
        sum(life.connections_kept for life in lives),
    )


def _of_options(options: OptionsReading) -> Iterator[Metric]:
    yield _gauge("options_revision", "Revision of the options.", options.revision)
    breaker = GaugeMetricFamily(
        "notify_server_state", "1 for the state that the breaker has.", labels=("server", "state")
    )
    configured: dict[str, float] = {}
    for status in options.servers:
        configured[status.name] = status.server is not None
        now_in = status.state.state if status.state else "closed"
        for state in _BREAKER_STATES:
            breaker.add_metric((status.name, state), status.server is not None and state == now_in)
    yield breaker
    yield _labelled("server_configured", "Whether a server's name is set.", "server", configured)
    yield _labelled(
        "server_misconfigured",
        "Whether a server is left alone for what only a person can cure.",
        "server",
        {each.name: each.state is not None and each.state.misconfigured for each in options.servers},
    )
    yield from _of_limits(options)
    condition = GaugeMetricFamily(
        "notify_channel_condition",
        "1 for how a channel stands: well, fallback, down or unset.",
        labels=("channel", "condition"),
    )
    for standing in options.standings:
        for each in _CONDITIONS:
            condition.add_metric((standing.channel, each), each == standing.condition)
    yield condition
    days = GaugeMetricFamily(
        "notify_secret_days_left",
        "Days until the last day of a secret, where that is set; below 0 it is over.",
        labels=("option",),
    )
    for option in SECRETS.values():
        if option in options.secret_days_left:
            days.add_metric((option,), options.secret_days_left[option])
    yield days


_OF_LIMITS: Final[tuple[tuple[str, str, Callable[[ServerStatus], float]], ...]] = (
    (
        "connections",
        "Connections that may be open at once, by all workers; 0 where there is no limit.",
        lambda status: status.connections,
    ),
    (
        "connections_held",
        "Connections that all workers have open now, with a limit or without.",
        lambda status: status.usage.connections,
    ),
    (
        "messages",
        "Messages that may go in a minute, by all workers; 0 where there is no limit.",
        lambda status: status.messages_per_minute,
    ),
    (
        "messages_used",
        "Messages that went in the last minute, where there is a limit.",
        lambda status: status.usage.messages,
    ),
    (
        "messages_waiting",
        "Messages that wait for their turn within a limit.",
        lambda status: status.usage.messages_waiting,
    ),
)


def _of_limits(options: OptionsReading) -> Iterator[Metric]:
    """What our own limits allow to all workers together, and what of it is used."""
    for name, documentation, of in _OF_LIMITS:
        values = {status.name: of(status) for status in options.servers}
        yield _labelled(f"limit_{name}", documentation, "server", values)


def _age(reading: FleetReading, since_ms: int | None) -> float:
    return 0.0 if since_ms is None else max(0.0, (reading.at_ms - since_ms) / _MS)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notify_{name}", documentation, value=value)


def _labelled(name: str, documentation: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"notify_{name}", documentation, labels=(label,))
    for value, number in values.items():
        family.add_metric((value,), number)
    return family
