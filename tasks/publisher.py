"""The door: a notification is checked, recorded in the ledger, and a bell is rung.

    PublishError
    ├── KeyConflict         the id or key stands for other content already
    └── ExpiredAlready      its `expires` is past

Besides these a publisher meets `InvalidNotification`, `tasks.ledger.LedgerUnavailable` and, where Redis does
not answer within its bounded time, `redis.RedisError`: then it is unknown whether the notification was
accepted, and publishing again under the same id is harmless.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import kombu.exceptions
import msgspec

from settings_store.environment import Environment
from settings_store.followed_password import follow_password
from settings_store.live_keyring import followed
from settings_store.logs import EventLog
from settings_store.redis_client import connect
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks import notification as notifications
from tasks import tracing
from tasks.accepting import accepting
from tasks.bells import Bells, messages_for
from tasks.ledger import Accepted, Entry, Ledger, State
from tasks.notification import InvalidNotification, Notification
from tasks.search_terms import terms_of
from tasks.tally import NoTally, Tally
from tasks.text_message import refuse_too_long
from tasks.tokens import unknown_tokens
from tasks.tracing import beginning

#: So many are written in one round trip.
ACCEPT_AT_ONCE = 200
#: Whoever publishes waits: of a Redis that says nothing they hear after two time-outs, about 20 s.
PUBLISHER_RETRIES = 1
#: A broker that did not do what it was asked is left alone for as long as that took, and for so long at
#: least: the sweeper rings meanwhile, and not each who publishes waits for it anew.
LEAVE_ALONE_SECONDS = 5.0

_log = EventLog(__name__)


class PublishError(Exception):
    """Base of what the door refuses for a reason outside the notification itself."""


class KeyConflict(PublishError):
    """The id or the idempotency key stands for other content already; nothing was recorded."""


class ExpiredAlready(PublishError):
    """Its `expires` is past; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Published:
    """The receipt of an accepted notification.

    Attributes:
        id: Names it everywhere.
        number: The running number, which stands first in the message.
        state: Of the record.
        again: It was accepted before, by the same id or key; nothing new was recorded.
        unknown_tokens: Names of tokens that nothing resolves; they go out as they stand. Not for logs.
        fetches_files: Whether a pass fetches files, for which there is a queue and a share of the slots.
    """

    id: str
    number: int
    state: State
    again: bool = False
    unknown_tokens: tuple[str, ...] = field(default=(), repr=False)
    fetches_files: bool = False


Document = Notification | Mapping[str, object] | bytes | str


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
            one_redis: Whether ledger and broker are one Redis: then a bell is rung by the step that records.
            tally: Counts what is accepted.
            clock: Seconds; tells how long a broker that does not answer is left alone.
        """
        self._store = store
        self._one_redis = one_redis
        self._options: Snapshot | None = None
        self._ledger = ledger
        self._bells = bells
        self._tally = tally or NoTally()
        self._clock = clock
        self._left_alone_until = float("-inf")
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
            PublishError: See the tree above.
            LedgerUnavailable: Redis is nearly full.
            redis.RedisError: Redis does not answer.
        """
        answer = self.publish_many([document])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def accept(self, document: Document) -> Published:
        """Accept one notification without ringing for it: the caller makes its first pass, or rings.

        Raises:
            The same as `publish`.
        """
        notification = checked(document)
        while True:
            options = self._seen()
            entry = entry_of(notification, options)
            with accepting([entry]) as traced:
                answer = self._ledger.accept(traced[0], ring=True, revision=options.revision)
            if answer.status != "moved":
                break
            self._options = None
        self._count(answer, entry)
        outcome = outcome_of(answer, entry)
        if isinstance(outcome, PublishError):
            raise outcome
        return outcome

    def publish_many(
        self, documents: Sequence[Document]
    ) -> list[Published | InvalidNotification | PublishError]:
        """Accept many, each by itself, with the outcome of each in its place.

        Raises:
            LedgerUnavailable: Redis is nearly full.
            redis.RedisError: Redis does not answer; what was accepted before stays accepted, and publishing
                the same ids again is harmless.
        """
        outcomes: dict[int, Published | InvalidNotification | PublishError] = {}
        pending: dict[int, Notification] = {}
        for place, document in enumerate(documents):
            try:
                pending[place] = checked(document)
            except InvalidNotification as fault:
                outcomes[place] = fault
        while pending:
            some = [*itertools.islice(pending, ACCEPT_AT_ONCE)]
            for place, outcome in zip(some, self._accept([pending[each] for each in some]), strict=True):
                # Those that were made by older options are made anew.
                if outcome is not None:
                    outcomes[place] = outcome
                    del pending[place]
        return [outcomes[place] for place in range(len(documents))]

    def _seen(self) -> Snapshot:
        """The options as they were last seen; the ledger refuses what was made by older ones."""
        options = self._options = self._options or self._store.snapshot()
        return options

    def _accept(self, notifications: Sequence[Notification]) -> list[Published | PublishError | None]:
        """The outcome of each; None where the options are newer than those last seen."""
        options = self._seen()
        entries = [entry_of(notification, options) for notification in notifications]
        room = self._room(entries)
        bell = None
        by_lane: dict[str, list[str]] = {}
        with accepting(entries) as traced:
            if room and self._one_redis and len(entries) == 1:
                bell = self._bells.written(entries[0].id, entries[0].lane)
            with tracing.step("ledger"):
                answers = self._ledger.accept_many(traced, ring=room, revision=options.revision, bell=bell)
            for entry, answer in zip(entries, answers, strict=True):
                self._count(answer, entry)
                if answer.status == "accepted" and answer.state == "queued":
                    by_lane.setdefault(entry.lane, []).append(answer.id)
                elif answer.status == "moved":
                    self._options = None
            if bell is not None:
                for lane in by_lane:
                    self._bells.rung(lane)
            elif room:
                with tracing.step("enqueue"):
                    self._ring(by_lane)
        return [
            None if answer.status == "moved" else outcome_of(answer, entry)
            for answer, entry in zip(answers, entries, strict=True)
        ]

    def _count(self, answer: Accepted, entry: Entry) -> None:
        if answer.status == "accepted":
            _log.info(
                "accepted",
                notification=answer.id,
                number=answer.number,
                channel=entry.channel,
                priority=entry.priority,
            )
            self._tally.accepted(entry.channel, entry.priority)

    def _room(self, entries: list[Entry]) -> bool:
        """Whether the broker takes a bell for all of these now; else the sweeper rings for them in time."""
        began = self._clock()
        if began < self._left_alone_until:
            return False
        counts = Counter(entry.lane for entry in entries)
        try:
            return all(self._bells.room(lane) >= messages_for(count, lane) for lane, count in counts.items())
        except (kombu.exceptions.OperationalError, OSError) as error:
            self._leave_alone(began)
            _log.warning("broker_not_reached", error=type(error).__name__)
            return False

    def _ring(self, by_lane: Mapping[str, Sequence[str]]) -> None:
        began = self._clock()
        try:
            for lane, ids in by_lane.items():
                self._bells.ring_together(ids, lane)
        except (kombu.exceptions.OperationalError, OSError) as error:
            # They are accepted all the same: the sweeper rings for whatever nobody claimed.
            self._leave_alone(began)
            _log.warning("bell_not_rung", error=type(error).__name__)

    def _leave_alone(self, began: float) -> None:
        now = self._clock()
        self._left_alone_until = now + max(now - began, LEAVE_ALONE_SECONDS)


def checked(document: Document) -> Notification:
    """The notification of a document, if this version delivers such a one.

    Raises:
        InvalidNotification: Names field, fault and what is allowed.
    """
    notification = document if isinstance(document, Notification) else notifications.parse(document)
    notifications.refuse_unsupported(notification)
    if notification.channel == "text":
        refuse_too_long(notification)
    return notification


def entry_of(notification: Notification, snapshot: Snapshot) -> Entry:
    """What the ledger records of a notification under these options."""
    notification_id = notification.id or str(uuid.uuid4())
    hours = snapshot.number(f"delivery.{notification.channel}_age_limit_hours")
    return Entry(
        id=notification_id,
        digest=notifications.digest(notification),
        channel=notification.channel,
        lane=notification.lane,
        content=notifications.canonical_json(
            msgspec.structs.replace(notification, id=None, key=None)
        ).decode(),
        recipients=len(notifications.envelope_recipients(notification)),
        age_limit_ms=hours * 3_600_000,
        key=hashlib.sha256(notification.key.encode()).hexdigest() if notification.key else "",
        not_before_ms=int(notification.not_before.timestamp() * 1000) if notification.not_before else 0,
        expires_ms=int(notification.expires.timestamp() * 1000) if notification.expires else 0,
        unknown_tokens=unknown_tokens(notification),
        priority=notification.priority,
        terms=terms_of(notification),
    )


def outcome_of(answer: Accepted, entry: Entry) -> Published | PublishError:
    """The receipt for the ledger's answer, or why there is none."""
    match answer.status:
        case "conflict":
            return KeyConflict(
                "id or key: stands for a notification with other content already; "
                f"allowed: the same content, or a new one (the first is {answer.id})"
            )
        case "expired":
            return ExpiredAlready("expires: is past; allowed: a time to come")
        case _:
            return Published(
                answer.id,
                answer.number,
                answer.state,
                again=answer.status == "same",
                unknown_tokens=entry.unknown_tokens,
                fetches_files=entry.lane == "files",
            )
