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
import functools
import hashlib
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, get_args

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
from tasks.bells import Bells
from tasks.doorbell import Doorbell
from tasks.ledger import Accepted, Entry, Ledger, LedgerUnavailable, State
from tasks.meanwhile import meanwhile
from tasks.notification import InvalidNotification, Notification
from tasks.search_terms import terms_of
from tasks.server import Channel
from tasks.tally import NoTally, Tally
from tasks.text_message import refuse_too_long
from tasks.tokens import unknown_tokens
from tasks.tracing import beginning

#: So many are recorded in one step, and not much more content than this: nothing else happens in Redis
#: meanwhile.
ACCEPT_AT_ONCE = 200
ACCEPT_AT_ONCE_CHARACTERS = 1_000_000
#: Whoever publishes waits: of a Redis that says nothing they hear after two time-outs, about 20 s.
PUBLISHER_RETRIES = 1

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
#: What became of one of many.
Outcome = Published | InvalidNotification | PublishError | LedgerUnavailable


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
        self._options: Snapshot | None = None
        self._ledger = ledger
        self._doorbell = Doorbell(bells, one_redis=one_redis, clock=clock)
        self._tally = tally or NoTally()
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

    def publish_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """Accept many, each by itself, with the outcome of each in its place.

        Where Redis fills up in the middle, those that it had no room for have that as their outcome: whoever
        repeated the whole call would send the others twice.

        Raises:
            LedgerUnavailable: Redis is nearly full, and nothing was accepted.
            redis.RedisError: Redis does not answer; what was accepted before stays accepted, and publishing
                the same ids again is harmless.
        """
        outcomes: dict[int, Outcome] = {}
        places = deque(range(len(documents)))

        def prepare() -> _Portion:
            portion = _Portion(self._seen, among=len(documents))
            while places and portion.has_room:
                place = places.popleft()
                try:
                    portion.add(place, checked(documents[place]))
                except InvalidNotification as fault:
                    outcomes[place] = fault
            return portion

        portion = prepare()
        while portion.entries:
            record = functools.partial(self._record, portion)
            # What comes next is made ready while the ledger is at this.
            recording = meanwhile(record) if places else None
            following = prepare()
            try:
                answers = recording.result() if recording else record()
            except LedgerUnavailable as full:
                if not any(isinstance(outcome, Published) for outcome in outcomes.values()):
                    raise
                outcomes.update(dict.fromkeys((*portion.entries, *following.entries, *places), full))
                break
            moved = []
            for (place, entry), answer in zip(portion.entries.items(), answers, strict=True):
                if answer.status == "moved":
                    moved.append(place)
                else:
                    outcomes[place] = outcome_of(answer, entry)
            if moved:
                # Made by older options, as was what follows: once more, in the same order.
                places.extendleft(reversed([*moved, *following.entries]))
            portion = prepare() if moved else following
        return [outcomes[place] for place in range(len(documents))]

    def _seen(self) -> Snapshot:
        """The options as they were last seen; the ledger refuses what was made by older ones."""
        options = self._options = self._options or self._store.snapshot()
        return options

    def _record(self, portion: _Portion) -> list[Accepted]:
        """Record a portion and ring for it."""
        entries, among = tuple(portion.entries.values()), portion.among
        room = self._doorbell.has_room(entries, among=among)
        rings_later = room and not self._doorbell.one_redis
        with accepting(entries) as traced:
            bells = self._doorbell.written(entries, among=among) if room and not rings_later else ()
            with tracing.step("ledger"):
                answers = self._ledger.accept_many(
                    traced, ring=rings_later, revision=portion.options.revision, bells=bells
                )
            by_lane: dict[str, list[str]] = {}
            for entry, answer in zip(entries, answers, strict=True):
                self._count(answer, entry)
                if answer.status == "accepted" and answer.state == "queued":
                    by_lane.setdefault(entry.lane, []).append(answer.id)
                elif answer.status == "moved":
                    self._options = None
            if room:
                self._doorbell.ring(by_lane, among=among)
        return answers

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
    content, digest = notifications.content_and_digest(notification)
    return Entry(
        id=notification.id or str(uuid.uuid4()),
        digest=digest,
        channel=notification.channel,
        lane=notification.lane,
        content=content.decode(),
        recipients=len(notifications.envelope_recipients(notification)),
        age_limit_ms=snapshot.derive(_age_limits_ms)[notification.channel],
        key=hashlib.sha256(notification.key.encode()).hexdigest() if notification.key else "",
        not_before_ms=int(notification.not_before.timestamp() * 1000) if notification.not_before else 0,
        # 0 is none: what was to be sent until 1970 at the latest is past, and must not be sent at any time.
        expires_ms=max(int(notification.expires.timestamp() * 1000), 1) if notification.expires else 0,
        unknown_tokens=unknown_tokens(notification),
        priority=notification.priority,
        terms=terms_of(notification),
    )


def _age_limits_ms(snapshot: Snapshot) -> Mapping[Channel, int]:
    return {
        channel: snapshot.number(f"delivery.{channel}_age_limit_hours") * 3_600_000
        for channel in get_args(Channel)
    }


class _Portion:
    """What is recorded in one step, made by the same options.

    Attributes:
        among: How many are published about now.
        entries: What to record, by the place of its document.
    """

    def __init__(self, options: Callable[[], Snapshot], *, among: int) -> None:
        self._seen = options
        self.among = among
        self.entries: dict[int, Entry] = {}
        self._characters = 0

    @functools.cached_property
    def options(self) -> Snapshot:
        """The options; looked at where there is something to make by them."""
        return self._seen()

    @property
    def has_room(self) -> bool:
        """Whether one more may be added."""
        return len(self.entries) < ACCEPT_AT_ONCE and self._characters < ACCEPT_AT_ONCE_CHARACTERS

    def add(self, place: int, notification: Notification) -> None:
        """Add one."""
        entry = self.entries[place] = entry_of(notification, self.options)
        self._characters += len(entry.content)


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
