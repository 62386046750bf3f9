"""Questions to the ledger. None scans: each is answered from an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec
import redis

from tasks.lanes import LANES
from tasks.ledger.message_filter import MessageFilter
from tasks.ledger.pages import Page, Summary
from tasks.ledger.records import OPEN_STATES, OUTCOME_OF_LETTER, STATES, Outcome, Priority, State
from tasks.ledger.scripts import Scripts
from tasks.ledger.search import search
from tasks.notification_document import ID_MAX_CHARACTERS
from tasks.search_terms import split_terms
from tasks.server import Channel

__all__ = ["LedgerQueries", "Page", "Record", "Summary"]

_PRIORITIES: tuple[Priority, ...] = get_args(Priority)
#: Numbers kept together; as the scripts divide them.
_NUMBERS_TOGETHER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything the ledger knows of one notification.

    Attributes:
        servers: Those that it was tried by, in the order of their first attempt.
        outcomes: In the order of the envelope.
        perhaps_twice: Places in the envelope of those who were sent it again after an uncertain end, and took
            it: they may have it twice.
        terms: What it is found by; see `tasks.search_terms`.
    """

    id: str
    number: int
    state: State
    channel: Channel
    lane: str
    priority: Priority = "normal"
    reason: str
    accepted_at_ms: int
    expires_at_ms: int
    next_at_ms: int | None
    finished_at_ms: int | None
    passes: int
    lapses: int
    servers: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...]
    perhaps_twice: frozenset[int] = frozenset()
    terms: frozenset[str] = frozenset()
    content: str = field(repr=False)
    timeline: tuple[dict[str, Any], ...] = field(repr=False)

    def fits(self, wanted: MessageFilter) -> bool:
        """Whether a filter matches it."""
        return (
            (not wanted.states or self.state in wanted.states)
            and wanted.channel in {None, self.channel}
            and wanted.priority in {None, self.priority}
            and (wanted.server is None or wanted.server in self.servers)
            and (bool(self.perhaps_twice) or not wanted.perhaps_twice)
            and self.terms.issuperset(wanted.terms)
            and (wanted.since_ms is None or self.accepted_at_ms >= wanted.since_ms)
            and (wanted.until_ms is None or self.accepted_at_ms <= wanted.until_ms)
        )


def _optional(value: str | None) -> int | None:
    return int(float(value)) if value else None


class LedgerQueries:
    """The reading side of the ledger. Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, *, prefix: str = "notify") -> None:
        self._redis = client
        self._prefix = prefix
        self._scripts = Scripts(client, prefix, only=("counts", "look", "search"))

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def find(self, id_or_number: str) -> Record | None:
        """The record of an id, or of a running number; None where there is none (any more)."""
        if not id_or_number.isascii() or len(id_or_number) > ID_MAX_CHARACTERS:
            return None  # whatever was typed: neither Redis nor a number has to take it
        record = self.get(id_or_number)
        if record is None and id_or_number.isdecimal():
            hundred, rest = divmod(int(id_or_number), _NUMBERS_TOGETHER)
            found: Any = self._redis.hget(self._key("numbers", str(hundred)), str(rest))
            record = self.get(found) if found else None
        return record

    def get(self, notification_id: str) -> Record | None:
        """The record of an id."""
        flat, timeline = self._scripts.run("look", notification_id)
        if not flat:
            return None
        values = dict(zip(flat[::2], flat[1::2], strict=True))
        return Record(
            id=notification_id,
            number=int(values["number"]),
            state=values["state"],
            channel=values["channel"],
            lane=values["lane"],
            priority=values["priority"],
            reason=values.get("reason", ""),
            accepted_at_ms=int(values["accepted_at"]),
            expires_at_ms=int(values["expires_at"]),
            next_at_ms=_optional(values.get("next_at")),
            finished_at_ms=_optional(values.get("finished_at")),
            passes=int(values.get("pass", 0)),
            lapses=int(values.get("lapses", 0)),
            servers=_members(values.get("servers")),
            outcomes=tuple(OUTCOME_OF_LETTER[letter] for letter in values["outcomes"]),
            terms=frozenset(split_terms(values.get("terms", ""))),
            perhaps_twice=frozenset(
                place
                for place in map(int, _members(values.get("resent")))
                if values["outcomes"][place] == "d"
            ),
            content=values["content"],
            timeline=tuple(msgspec.json.decode(entry) for entry in timeline),
        )

    def search(
        self, wanted: MessageFilter, *, limit: int = 50, offset: int = 0, after: str | None = None
    ) -> Page:
        """What a filter matches, newest first, whatever moves meanwhile.

        The cost goes by the page and by how many the rarest part of the filter has, not by how many records
        there are; it is bounded, and a page that ends at the bound says where to go on.

        Args:
            wanted: The filter.
            limit: Lines on the page; with 0 the total alone is asked for.
            offset: Leave out the newest; for pages far down, `after` is cheaper.
            after: `next_after` of the page before.

        Raises:
            tasks.ledger.search.InvalidCursor: `after` is no place in a list.
        """
        return search(self._scripts, wanted, limit=limit, offset=offset, after=after)

    def page(
        self,
        states: Iterable[State] = (),
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """`search` by state and time alone."""
        wanted = MessageFilter(states=frozenset(states), since_ms=since_ms, until_ms=until_ms)
        return self.search(wanted, limit=limit, offset=offset)

    def counts(self) -> dict[State, int]:
        """How many records each state has."""
        found: dict[State, int] = dict.fromkeys(STATES, 0)
        for list_name, count in self._lists():
            found[list_name.partition("|")[0]] += count  # type: ignore[index]  # a list begins with its state
        return found

    def accepted_ever(self) -> int:
        """How many notifications were accepted since the installation began, forgotten ones included."""
        answer: Any = self._redis.get(self._key("number"))
        return int(answer or 0)

    def queued_since(self) -> dict[Priority, int]:
        """Since when the oldest notification could have been taken by a worker, by priority, where one waits.

        That is when it was accepted or replayed, when its time came, or when the server that it waited for
        was back.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for priority in _PRIORITIES:
            pipeline.zrange(self._key("ready", priority), 0, 0, withscores=True)
        answers = zip(_PRIORITIES, pipeline.execute(), strict=True)
        return {priority: int(pairs[0][1]) for priority, pairs in answers if pairs}

    def overdue(self, now_ms: int) -> tuple[int, int | None]:
        """How many records should have been looked at by now, and since when the oldest of them.

        One that is held is looked at when its time is over, so it is overdue only then.
        """
        # No transaction, which a full Redis refuses whatever is in it. What is done in between is left out.
        pipeline = self._redis.pipeline(transaction=False)
        for lane in LANES:
            pipeline.zcount(self._key("due", lane), "-inf", now_ms)
            pipeline.zrange(self._key("due", lane), 0, 0, withscores=True)
        answers: Any = pipeline.execute()
        first = [int(pairs[0][1]) for pairs in answers[1::2] if pairs]
        count, oldest = sum(answers[0::2]), [at_ms for at_ms in first if at_ms <= now_ms]
        return (count, min(oldest)) if count and oldest else (0, None)

    def due_scores(self) -> dict[str, dict[str, float]]:
        """The whole due-set, by lane. For tests and `doctor`; it reads every open record."""
        scores: dict[str, dict[str, float]] = {}
        for lane in LANES:
            members: Any = self._redis.zrange(self._key("due", lane), 0, -1, withscores=True)
            scores[lane] = dict(members)
        return scores

    def open_ids(self) -> set[str]:
        """The ids of every record that is not final. For tests and `doctor`."""
        numbers: set[str] = set()
        for list_name, _ in self._lists():
            if list_name.partition("|")[0] in OPEN_STATES:
                numbers.update(map(str, self._redis.zrange(self._key("list", list_name), 0, -1)))
        records = (self.find(number) for number in numbers)
        return {record.id for record in records if record is not None}

    def _lists(self) -> Iterable[tuple[str, int]]:
        """Every list that holds any record, and how many."""
        flat = self._scripts.run("counts")
        return zip(flat[::2], flat[1::2], strict=True)


def _members(text: str | None) -> tuple[str, ...]:
    """The members of a set as the scripts keep it: `,a,b,`."""
    return tuple(text.strip(",").split(",")) if text else ()
