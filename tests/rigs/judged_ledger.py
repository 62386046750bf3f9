"""What must hold of a ledger, whatever workers, publishers and time do to it: a model, and the comparison."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import redis
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from tasks.ledger import (
    LANES,
    Claim,
    Entry,
    Intent,
    Ledger,
    LedgerQueries,
    Results,
    State,
)
from tasks.ledger.transitions import TRANSITIONS
from tests.rigs.clock import TEST_CLOCK, LedgerClock
from tests.rigs.ledger_index import index_kept, index_told

HOUR = 3600.0
AGE_LIMIT_SECONDS = 24 * HOUR
RESEND_AFTER_SECONDS = 60.0


@dataclass
class Worker:
    """A worker that holds a claim; it may be paused for any time between two steps."""

    claim: Claim
    attempts: int
    revision: int
    intent: Intent | None = None
    sent: bool = False


@dataclass
class World:
    """What really happened, beside what the ledger says."""

    recipients: dict[str, int] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    got: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    confirmed: set[tuple[str, int]] = field(default_factory=set)
    broker: list[str] = field(default_factory=list)
    revision: int = 0


class WatchedLedger(Ledger):
    """Compares every change of a state with the table of transitions."""

    def __init__(self, client: redis.Redis, *, clock: str) -> None:
        super().__init__(client, clock=clock)
        self._client = client
        run, run_many = self._scripts.run, self._scripts.run_many

        def watched_run(name: str, *arguments: str | int | bytes) -> Any:
            before = self._states()
            answer = run(name, *arguments)
            self._compare(name, before, answer)
            return answer

        def watched_run_many(name: str, calls: list[tuple[str | int, ...]]) -> list[Any]:
            before = self._states()
            answers = run_many(name, calls)
            self._compare(name, before, answers)
            return answers

        self._scripts.run = watched_run  # type: ignore[method-assign]
        self._scripts.run_many = watched_run_many  # type: ignore[method-assign]

    def _states(self) -> dict[str, State]:
        return {str(key): self._client.hget(key, "state") for key in self._client.keys("notify:n:*")}  # type: ignore[misc]

    def _compare(self, name: str, before: dict[str, State], answer: Any) -> None:
        stale = answer == "stale" or (isinstance(answer, list) and answer[:1] == ["stale"])
        move: Any = "late 250" if stale and name in {"finish", "record"} else name
        for key, state in self._states().items():
            old = before.get(key)
            if old != state:
                allowed = TRANSITIONS.get((old, move), frozenset())
                assert state in allowed, f"{old} --{move}--> {state} is not in the table"


class JudgedLedger(RuleBasedStateMachine):
    """What is asked of a ledger may come from anybody; what must hold is looked at after each step."""

    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.clock = LedgerClock(self.client)
        self.ledger = WatchedLedger(self.client, clock=TEST_CLOCK)
        self.queries = LedgerQueries(self.client)
        self.world = World()

    # -- what must hold

    @invariant()
    def every_open_record_has_exactly_one_score(self) -> None:
        due = [notification_id for lane in self.queries.due_scores().values() for notification_id in lane]
        assert Counter(due) == Counter(self.queries.open_ids())

    @invariant()
    def the_indexes_tell_the_truth(self) -> None:
        assert sum(self.queries.counts().values()) == len(self.world.recipients)
        assert index_kept(self.client) == index_told(self.client)
        for notification_id, count in self.world.recipients.items():
            record = self.queries.get(notification_id)
            assert record is not None, "an accepted notification is gone"
            assert len(record.outcomes) == count
        assert index_kept(self.client) == index_told(self.client)

    @invariant()
    def only_what_waits_for_servers_is_listed_as_such(self) -> None:
        waiting = {
            notification_id
            for notification_id in self.world.recipients
            if self.client.hexists(f"notify:n:{notification_id}", "waits_for")
        }
        states = {self.client.hget(f"notify:n:{notification_id}", "state") for notification_id in waiting}
        assert states <= {"waiting"}
        for key in ("notify:outage", "notify:outage:f1", "notify:outage:f2"):
            assert set(self.client.zrange(key, 0, -1)) == waiting

    @invariant()
    def nothing_is_called_delivered_that_no_server_took(self) -> None:
        for notification_id in self.world.recipients:
            record = self.queries.get(notification_id)
            assert record is not None
            for index, outcome in enumerate(record.outcomes):
                if outcome == "delivered":
                    assert self.world.got[notification_id][index] > 0
                    self.world.confirmed.add((notification_id, index))
                else:
                    assert (notification_id, index) not in self.world.confirmed, "a 250 was forgotten"
            if record.state == "delivered":
                assert set(record.outcomes) == {"delivered"}

    @invariant()
    def nothing_is_delivered_twice_unmarked(self) -> None:
        for notification_id, got in self.world.got.items():
            twice = {index for index, times in got.items() if times > 1}
            if twice:
                record = self.queries.get(notification_id)
                assert record is not None
                marked = {
                    index
                    for entry in record.timeline
                    if entry["verdict"] == "uncertain"
                    for index in entry["indexes"]
                }
                assert twice <= marked
                delivered = {i for i, outcome in enumerate(record.outcomes) if outcome == "delivered"}
                assert twice & delivered <= record.perhaps_twice, "delivered twice, and called delivered"

    def teardown(self) -> None:
        """At the end nothing is left of what is forgotten."""
        self._drain()
        self.the_indexes_tell_the_truth()
        self.nothing_is_delivered_twice_unmarked()
        self.ledger.purge(older_than_seconds=-HOUR)
        kept = {str(key).removeprefix("notify:") for key in self.client.keys("notify:*")}
        # Which suspect a worker holds is a note that goes by itself; nothing else may be left.
        suspects = {key for key in kept if key.startswith("suspect:")}
        assert all(self.client.ttl(f"notify:{key}") > 0 for key in suspects)
        assert kept - suspects <= {"test-clock", "number", "settings", "changes", "outages"}

    def _drain(self) -> None:
        """Everything open is drained by a worker that works: nothing may be left, nothing may be lost."""
        for _ in range(200):
            if not self.queries.open_ids():
                break
            self.clock.advance(120.0)
            self.ledger.release_held(self.world.revision + 1)
            for lane in LANES:
                for notification_id, _ in self.ledger.sweep(lane, room=1000).ring:
                    claim = self.ledger.claim(notification_id, worker="drain")
                    if isinstance(claim, Claim):
                        self._deliver(claim)
        assert not self.queries.open_ids()
        for notification_id in self.world.recipients:
            record = self.queries.get(notification_id)
            assert record is not None
            for index, outcome in enumerate(record.outcomes):
                if not self.world.got[notification_id][index]:
                    assert outcome in {"uncertain", "refused"} or record.state in {
                        "cancelled",
                        "expired",
                        "failed",
                        "partial",
                        "uncertain",
                    }

    def _deliver(self, claim: Claim) -> None:
        for letters in ("u", "o"):
            chosen = tuple(i for i, letter in enumerate(claim.outcomes) if letter == letters)
            if not chosen:
                continue
            intent = Intent(claim.attempts + 1, "server-a", "primary_email", chosen, "x", 0)
            answer = self.ledger.intend(claim, intent, revision=self.world.revision)
            results = Results()
            if answer == "granted":
                for index in chosen:
                    self.world.got[claim.id][index] += 1
                    results.outcomes[index] = "d"
            self.ledger.finish(
                claim, then="waiting", results=results, reason=answer, attempts=claim.attempts + 1
            )
            return
