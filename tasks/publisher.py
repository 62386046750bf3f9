"""The door: a notification is checked, recorded in the ledger, and a bell is rung.

Besides what is told in `tasks.receipts` a publisher meets `InvalidNotification`,
`tasks.ledger.LedgerUnavailable` and, where Redis does not answer within its bounded time, `redis.RedisError`:
then it is unknown whether the notification was accepted, and publishing again under the same id is harmless.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Self

from settings_store.environment import Environment
from settings_store.followed_password import follow_password
from settings_store.live_keyring import followed
from settings_store.redis_client import connect
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.accepting import accepting
from tasks.bells import Bells
from tasks.doorbell import Doorbell
from tasks.entries import Document, checked, entry_of
from tasks.ledger import Accepted, Entry, Ledger
from tasks.many import Many
from tasks.portion import Portion
from tasks.receipts import (
    ExpiredAlready,
    KeyConflict,
    Outcome,
    Published,
    PublishError,
    PublishInterrupted,
    outcome_of,
)
from tasks.recorder import Recorder
from tasks.tally import NoTally, Tally
from tasks.tracing import beginning

__all__ = [
    "Document",
    "ExpiredAlready",
    "KeyConflict",
    "Outcome",
    "PublishError",
    "PublishInterrupted",
    "Published",
    "Publisher",
]

#: Whoever publishes waits: of a Redis that says nothing they hear after two time-outs, about 20 s.
PUBLISHER_RETRIES = 1


class Publisher:
    """Accepts notifications. One a process is enough; safe between threads, and free to make."""

    def __init__(
        self,
        store: SettingsStore,
        ledger: Ledger,
        bells: Bells,
        *,
        one_redis: bool = False,
        tally: Tally | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put a door together.

        Args:
            store: The options.
            ledger: Where notifications are recorded.
            bells: Rings for them.
            one_redis: Whether ledger and broker are one Redis: then a bell is rung by the step that records,
                and the broker is not asked anything.
            tally: Counts what is accepted.
            clock: Seconds; tells how long a broker that does not answer is left alone.
        """
        self._store = store
        self._options: Snapshot | None = None
        self._ledger = ledger
        doorbell = Doorbell(bells, one_redis=one_redis, clock=clock)
        self._recorder = Recorder(ledger, doorbell, tally or NoTally())
        self._opened = contextlib.ExitStack()

    @classmethod
    def connect(cls, environment: Environment) -> Self:
        """A publisher for the Redis and broker that the environment names; opens nothing yet."""
        beginning.begin("notify-publisher")
        client = follow_password(
            connect(environment.redis_url, retries=PUBLISHER_RETRIES),
            environment.redis_url_file,
            environment.redis_url,
        )
        store = SettingsStore(client, prefix=environment.prefix, keyring=followed(environment.key_files))
        ledger = Ledger(client, prefix=environment.prefix, revision_key=store.revision_key)
        bells = Bells(environment.broker_url, prefix=environment.prefix)
        publisher = cls(store, ledger, bells, one_redis=environment.one_redis)
        publisher._opened.callback(client.close)
        publisher._opened.callback(bells.close)
        return publisher

    def close(self) -> None:
        """Close the connections that `connect` led to; those of a publisher made of parts are its maker's."""
        self._opened.close()

    def publish(self, document: Document) -> Published:
        """Accept one notification: when this returns, it is on disk and will be sent or shown as not sent.

        Raises:
            InvalidNotification: Names field, fault and what is allowed.
            PublishError: See `tasks.receipts`.
            LedgerUnavailable: Redis is nearly full.
            redis.RedisError: Redis does not answer.
        """
        notification = checked(document)

        def record(options: Snapshot) -> tuple[Accepted, Entry]:
            portion = Portion(lambda: options, among=1)
            portion.add(0, notification)
            recording = self._recorder.begin(portion)
            try:
                answers = recording.answers()
                recording.settle(answers)
            finally:
                recording.close()
            return answers[0], portion.entries[0]

        return self._by_current_options(record)

    def accept(self, document: Document) -> Published:
        """Accept one notification without ringing for it: the caller makes its first pass, or rings.

        Raises:
            The same as `publish`.
        """
        notification = checked(document)

        def record(options: Snapshot) -> tuple[Accepted, Entry]:
            entry = entry_of(notification, options)
            with accepting([entry], current=True) as traced:
                answer = self._ledger.accept(traced[0], ring=True, revision=options.revision)
            self._recorder.count(answer, entry)
            return answer, entry

        return self._by_current_options(record)

    def publish_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """Accept many, each by itself, with the outcome of each in its place.

        Where Redis fills up in the middle, those that it had no room for have that as their outcome: whoever
        repeated the whole call would send the others twice.

        Raises:
            LedgerUnavailable: Redis is nearly full, and nothing was accepted.
            PublishInterrupted: Redis does not answer; says of each what is known.
        """
        many = Many(documents, self._recorder, options=self._seen, forget_options=self._forget_options)
        return many.publish()

    def _seen(self) -> Snapshot:
        """The options as they were last seen; the ledger refuses what was made by older ones."""
        options = self._options = self._options or self._store.snapshot()
        return options

    def _forget_options(self) -> None:
        self._options = None

    def _by_current_options(self, record: Callable[[Snapshot], tuple[Accepted, Entry]]) -> Published:
        while True:
            answer, entry = record(self._seen())
            if answer.status != "moved":
                break
            self._forget_options()
        outcome = outcome_of(answer, entry)
        if isinstance(outcome, PublishError):
            raise outcome
        return outcome
