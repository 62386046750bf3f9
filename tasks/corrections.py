"""What a person does to many notifications at once: replay dead letters, cancel what is not sent yet.

Each notification is corrected by itself, in one atomic step of the ledger, so a correction that is broken off
has done whole what it has done. Repeating it goes on with the rest: what was replayed is no dead letter any
more, and what was cancelled is final.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from settings_store.audit import Audit
from settings_store.store import SettingsStore
from tasks.ledger import FINAL_STATES, Ledger, LedgerQueries, MessageFilter, Replay, State
from tasks.ledger.queries import Record, Summary
from tasks.ledger.search import PAGE_LOOK
from tasks.server import Channel

#: So many are replayed in one round trip; what is broken off stops after as many at the latest.
AT_ONCE: Final = 100
#: One correction takes no more than this; what is left is for the next.
MOST: Final = 100_000
_MS_AN_HOUR: Final = 3_600_000
_SECONDS_A_MINUTE: Final = 60.0

#: What became of one: replayed or cancelled; `asked` where it is being sent and stops before the next text;
#: `refused` where its state allows no replay, `final` where there is nothing to cancel; `expired` and
#: `uncertain` where it may only be replayed when told so; `unknown` where it is forgotten.
CorrectionAnswer = Literal[
    "replayed", "cancelled", "asked", "refused", "final", "expired", "uncertain", "unknown"
]
DONE: Final[frozenset[CorrectionAnswer]] = frozenset({"replayed", "cancelled", "asked"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """A notification to be corrected, as it was when it was chosen."""

    id: str
    number: int
    state: State
    channel: Channel
    reason: str

    @classmethod
    def of(cls, seen: Record | Summary) -> Chosen:
        """Choose what was looked up."""
        return cls(seen.id, seen.number, seen.state, seen.channel, seen.reason)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a filter chose.

    Attributes:
        chosen: Oldest first.
        is_whole: False where more match than one correction takes.
    """

    chosen: tuple[Chosen, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of one; the state is that after it, or the present one in a dry run."""

    chosen: Chosen
    answer: CorrectionAnswer
    state: State | Literal[""]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who corrects, and from where, as the audit has it."""

    name: str
    source: str = ""


class Corrections:
    """Corrects many notifications; each call raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, ledger: Ledger, queries: LedgerQueries, store: SettingsStore, audit: Audit) -> None:
        self._ledger = ledger
        self._queries = queries
        self._store = store
        self._audit = audit

    def choose(self, wanted: MessageFilter, *, most: int = MOST) -> Choice:
        """What a filter matches now, the newest of it where it is more than one correction takes."""
        found: dict[str, Chosen] = {}
        after: str | None = None
        while len(found) < most:
            page = self._queries.search(wanted, limit=min(most - len(found), PAGE_LOOK), after=after)
            found.update((line.id, Chosen.of(line)) for line in page.summaries)
            after = page.next_after
            if after is None:
                break
        return Choice(tuple(reversed(found.values())), is_whole=after is None)

    def replay(
        self,
        chosen: Sequence[Chosen],
        *,
        actor: Actor,
        why: str,
        even_expired: bool = False,
        even_uncertain: bool = False,
        per_minute: float | None = None,
        dry_run: bool = False,
    ) -> Iterator[Corrected]:
        """Open dead letters again for those who lack them; tells of each what became of it.

        The same ids and Message-IDs, and the age limits of now, from each one's turn on. With `per_minute`
        the ledger itself spaces them: they wait for their turn there, whether or not the caller lives on.

        Args:
            chosen: Which; they are replayed in this order.
            actor: Who.
            why: The reason, for timelines and audit.
            even_expired: Also what is expired and may be stale.
            even_uncertain: Also what may have arrived, and may so arrive twice.
            per_minute: How many go out in a minute; None = at once.
            dry_run: Only say what would become of each.
        """
        snapshot = self._store.snapshot()
        gap = _SECONDS_A_MINUTE / per_minute if per_minute else 0.0
        turn = 0
        counts: Counter[str] = Counter()
        with self._audited("message.replay", chosen, counts, actor, why, dry_run=dry_run):
            for start in range(0, len(chosen), AT_ONCE):
                some = chosen[start : start + AT_ONCE]
                replays = []
                for place, one in enumerate(some):
                    hours = snapshot.number(f"delivery.{one.channel}_age_limit_hours")
                    replays.append(Replay(one.id, hours * _MS_AN_HOUR, (turn + place) * gap))
                answers = self._ledger.replay_many(
                    replays,
                    by=actor.name,
                    why=why,
                    even_expired=even_expired,
                    even_uncertain=even_uncertain,
                    dry_run=dry_run,
                )
                counts.update(status for status, _ in answers)
                turn = counts["replayed"]
                for one, (status, state) in zip(some, answers, strict=True):
                    yield Corrected(one, status, state)

    def cancel(
        self, chosen: Sequence[Chosen], *, actor: Actor, why: str = "", dry_run: bool = False
    ) -> Iterator[Corrected]:
        """Stop what is not sent yet; what became of each, in turn.

        Args:
            chosen: Which.
            actor: Who.
            why: The reason, for timelines and audit.
            dry_run: Only say what would become of each.
        """
        counts: Counter[str] = Counter()
        with self._audited("message.cancel", chosen, counts, actor, why, dry_run=dry_run):
            for one in chosen:
                answer: CorrectionAnswer
                state: State | Literal[""]
                if dry_run:
                    answer, state = _would_cancel(one), one.state
                else:
                    answer, state = self._ledger.cancel(one.id, by=actor.name, why=why)
                counts[answer] += 1
                yield Corrected(one, answer, state)

    @contextlib.contextmanager
    def _audited(
        self,
        action: str,
        chosen: Sequence[Chosen],
        counts: Counter[str],
        actor: Actor,
        why: str,
        *,
        dry_run: bool,
    ) -> Iterator[None]:
        """Write what was done into the audit, also where it is broken off in the middle."""
        try:
            yield
        finally:
            if counts and not dry_run:
                self._audit.record(
                    actor.name,
                    action,
                    chosen[0].id if len(chosen) == 1 else "",
                    outcome="done" if DONE & counts.keys() else "failed",
                    detail={"reason": why, "of": len(chosen), **counts},
                    source=actor.source,
                )


def _would_cancel(one: Chosen) -> CorrectionAnswer:
    if one.state in FINAL_STATES:
        return "final"
    return "asked" if one.state == "sending" else "cancelled"
