"""Questions to the ledger. None scans: each is answered from an index by id, number, state or time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import redis

from tasks.ledger.records import LANES, OPEN_STATES, OUTCOME_OF_LETTER, STATES, Outcome, State
from tasks.server import Channel

_SUMMARY_FIELDS: Final = ("number", "state", "channel", "accepted_at", "next_at", "finished_at", "reason")


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list. Times are Unix milliseconds, None where they do not apply."""

    id: str
    number: int
    state: State
    channel: Channel
    accepted_at_ms: int
    next_at_ms: int | None
    finished_at_ms: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the ledger knows of one notification."""

    id: str
    number: int
    state: State
    channel: Channel
    lane: str
    reason: str
    accepted_at_ms: int
    expires_at_ms: int
    next_at_ms: int | None
    finished_at_ms: int | None
    passes: int
    lapses: int
    outcomes: tuple[Outcome, ...]
    content: str = field(repr=False)
    timeline: tuple[dict[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first, and how many the whole list has."""

    summaries: tuple[Summary, ...]
    total: int


def _optional(value: str | None) -> int | None:
    return int(float(value)) if value else None


class LedgerQueries:
    """The reading side of the ledger. Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, *, prefix: str = "notify") -> None:
        self._redis = client
        self._prefix = prefix

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def find(self, id_or_number: str) -> Record | None:
        """The record of an id, or of a running number; None where there is none (any more)."""
        record = self.get(id_or_number)
        if record is None and id_or_number.isascii() and id_or_number.isdecimal():
            ids = self._redis.zrangebyscore(self._key("numbers"), id_or_number, id_or_number)
            record = self.get(str(ids[0])) if ids else None
        return record

    def get(self, notification_id: str) -> Record | None:
        """The record of an id."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.hgetall(self._key("n", notification_id))
        pipeline.lrange(self._key("t", notification_id), 0, -1)
        values, timeline = pipeline.execute()
        if not values:
            return None
        return Record(
            id=notification_id,
            number=int(values["number"]),
            state=values["state"],
            channel=values["channel"],
            lane=values["lane"],
            reason=values.get("reason", ""),
            accepted_at_ms=int(values["accepted_at"]),
            expires_at_ms=int(values["expires_at"]),
            next_at_ms=_optional(values.get("next_at")),
            finished_at_ms=_optional(values.get("finished_at")),
            passes=int(values.get("pass", 0)),
            lapses=int(values.get("lapses", 0)),
            outcomes=tuple(OUTCOME_OF_LETTER[letter] for letter in values["outcomes"]),
            content=values["content"],
            timeline=tuple(msgspec.json.decode(entry) for entry in timeline),
        )

    def page(
        self,
        states: Iterable[State] = STATES,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """A page of a list by state and time of acceptance, newest first."""
        low = "-inf" if since_ms is None else str(since_ms)
        high = "+inf" if until_ms is None else str(until_ms)
        keys = [self._key("state", state) for state in states]
        pipeline = self._redis.pipeline(transaction=True)
        for key in keys:
            pipeline.zcount(key, low, high)
            pipeline.zrevrangebyscore(key, high, low, start=0, num=offset + limit, withscores=True)
        answers = pipeline.execute()
        newest = heapq.merge(*answers[1::2], key=lambda pair: pair[1], reverse=True)
        ids = [pair[0] for pair in itertools.islice(newest, offset, offset + limit)]
        return Page(summaries=tuple(self._summaries(ids)), total=sum(answers[0::2]))

    def _summaries(self, ids: Sequence[str]) -> Iterable[Summary]:
        pipeline = self._redis.pipeline(transaction=False)
        for notification_id in ids:
            pipeline.hmget(self._key("n", notification_id), *_SUMMARY_FIELDS)
        for notification_id, values in zip(ids, pipeline.execute(), strict=True):
            number, state, channel, accepted_at, next_at, finished_at, reason = values
            if number is not None:
                yield Summary(
                    id=notification_id,
                    number=int(number),
                    state=state,
                    channel=channel,
                    accepted_at_ms=int(accepted_at),
                    next_at_ms=_optional(next_at),
                    finished_at_ms=_optional(finished_at),
                    reason=reason or "",
                )

    def counts(self) -> dict[State, int]:
        """How many records each state has."""
        pipeline = self._redis.pipeline(transaction=True)
        for state in STATES:
            pipeline.zcard(self._key("state", state))
        return dict(zip(STATES, pipeline.execute(), strict=True))

    def due_scores(self) -> dict[str, dict[str, float]]:
        """The whole due-set, by lane. For tests and `doctor`; it reads every open record."""
        scores: dict[str, dict[str, float]] = {}
        for lane in LANES:
            members: Any = self._redis.zrange(self._key("due", lane), 0, -1, withscores=True)
            scores[lane] = dict(members)
        return scores

    def open_ids(self) -> set[str]:
        """The ids of every record that is not final. For tests and `doctor`."""
        ids: set[str] = set()
        for state in OPEN_STATES:
            ids.update(map(str, self._redis.zrange(self._key("state", state), 0, -1)))
        return ids
