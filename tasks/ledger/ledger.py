"""The transitions, as Python calls. What each does to a record is in the Lua file of its name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

import redis

from tasks.lanes import Lane
from tasks.ledger.accepting import (
    Accepting,
    Bell,
    packed,
)
from tasks.ledger.memory_watch import MemoryWatch
from tasks.ledger.records import (
    Accepted,
    Claim,
    Entry,
    Intent,
    NotClaimed,
    Results,
    State,
    Sweep,
    new_token,
    read_claim,
)
from tasks.ledger.replaying import Replaying
from tasks.ledger.scripts import Scripts
from tasks.ledger.timing import RING_AGAIN_SECONDS, milliseconds
from tasks.lua_scripts import REDIS_CLOCK
from tasks.redis_question import Question, ask

LEASE_SECONDS: Final = 30.0
#: No claim outlives this, however busily it is renewed. The budget of a walk is shorter (`delivery`).
LONGEST_CLAIM_SECONDS: Final = 900.0
#: So many workers dead over one notification mean that the notification kills them.
POISON_LAPSES: Final = 3


class Ledger(Replaying):
    """Every change of a notification's state. One object a process; safe between threads.

    Each call is one atomic script and may be repeated after a lost reply. All raise `redis.RedisError` where
    Redis does not answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = "notify",
        revision_key: str | None = None,
        clock: str = REDIS_CLOCK,
    ) -> None:
        """Bind to a Redis.

        Args:
            client: From `settings_store.redis_client.connect`.
            prefix: First part of every key.
            revision_key: The hash whose field `revision` is the revision of the options.
            clock: Lua text that defines `now_ms()`; tests move time by it.
        """
        self._redis = client
        self._scripts = Scripts(client, prefix, clock)
        self._outages_key = f"{prefix}:outages"
        self._revision_key = revision_key or f"{prefix}:settings"
        self._memory = MemoryWatch(client)

    def accept(self, entry: Entry, *, ring: bool, revision: int | None = None) -> Accepted:
        """Record a notification.

        Args:
            entry: What to record.
            ring: Whether it is enqueued at once; else a sweeper does within a second.
            revision: Of the options that the entry was made by: answered as `moved` where they are newer.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory.
        """
        return self.accept_many([entry], ring=ring, revision=revision)[0]

    def accept_many(
        self,
        entries: Sequence[Entry],
        *,
        ring: bool,
        revision: int | None = None,
    ) -> list[Accepted]:
        """`begin_accepting`, and wait for the answers.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory; nothing was recorded.
        """
        return self.begin_accepting(entries, ring=ring, revision=revision).accepted()

    def begin_accepting(
        self,
        entries: Sequence[Entry],
        *,
        ring: bool,
        revision: int | None = None,
        bells: Sequence[Bell] = (),
        queue_limit: int = 0,
    ) -> Accepting:
        """Send many to be recorded in one step, each by itself: a refusal of one does not touch the others.

        Nothing else happens in Redis meanwhile: some hundred at a time are a matter of milliseconds.

        Args:
            entries: What to record.
            ring: Whether the caller enqueues them at once; else a sweeper does within a second, for whatever
                no bell was rung for.
            revision: Of the options that the entries were made by: answered as `moved` where they are newer.
            bells: Put into their queues in the same step, where the broker is this very Redis.
            queue_limit: How many messages a queue may hold with them.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory; nothing was recorded.
        """
        self.refuse_when_nearly_full()
        asked = packed(
            entries,
            revision_key=self._revision_key,
            revision=revision,
            ring=ring,
            ring_again_ms=milliseconds(RING_AGAIN_SECONDS),
            bells=bells,
            queue_limit=queue_limit,
        )
        return Accepting(self._scripts.begin("accept", asked), entries)

    def due_now(self, ids: Sequence[str]) -> None:
        """Have the sweeper ring at once for those that are queued: who accepted them could not."""
        self._scripts.run("due_now", *ids)

    def claim(
        self,
        notification_id: str,
        *,
        worker: str,
        token: str | None = None,
        beside: Sequence[Question[Any]] = (),
    ) -> Claim | NotClaimed:
        """Take a queued notification for one pass; see `claim.lua` for when that is refused.

        Args:
            notification_id: Which.
            worker: Who takes it.
            token: The same for a repeated call, which then gives the same claim.
            beside: What is asked in the same round trip.
        """
        claiming = self.claiming(notification_id, worker=worker, token=token or new_token())
        return ask(self._scripts.trips, claiming, beside)

    def claiming(self, notification_id: str, *, worker: str, token: str) -> Question[Claim | NotClaimed]:
        """`claim`, to be asked beside another question."""
        return self._claiming(token, worker, notification_id, ())

    def claiming_first(
        self, line: str, lanes: Collection[str], *, worker: str, token: str
    ) -> Question[Claim | NotClaimed]:
        """Take the first of those that wait in a line for a connection, as soon as its caller has one.

        Args:
            line: From `line_for`, as it was given to `finish`.
            lanes: Those of them that the caller serves.
            worker: Who takes it.
            token: The same for a repeated call, which then gives the same claim.
        """
        return self._claiming(token, worker, "", (line, *lanes))

    def _claiming(
        self, token: str, worker: str, notification_id: str, line: tuple[str, ...]
    ) -> Question[Claim | NotClaimed]:
        return self._scripts.question(
            "claim",
            lambda answer: read_claim(token, answer),
            notification_id,
            token,
            milliseconds(LEASE_SECONDS),
            milliseconds(LONGEST_CLAIM_SECONDS),
            POISON_LAPSES,
            worker,
            self._revision_key,
            *line,
        )

    def renew(self, claim: Claim) -> float:
        """Lengthen the lease; the seconds that are left, 0 where the claim is lost or at its longest."""
        left: int = self._scripts.run("renew", claim.id, claim.token, milliseconds(LEASE_SECONDS))
        return left / 1000

    def intend(
        self, claim: Claim, intent: Intent, *, revision: int
    ) -> Literal["granted", "stale", "over", "cancelled", "expired", "changed", "settled"]:
        """Ask for the right to send the body. Only `granted` allows the final dot.

        Refused as `stale` (the claim was lost), `over` (at its longest), `cancelled`, `expired`, `changed`
        (the options are newer than `revision`) or `settled` (a recipient got it meanwhile).
        """
        answer: Literal["granted", "stale", "over", "cancelled", "expired", "changed", "settled"]
        answer = self._scripts.run(
            "intent",
            claim.id,
            claim.token,
            milliseconds(LEASE_SECONDS),
            self._revision_key,
            revision,
            intent.attempt,
            intent.if_unanswered,
            intent.resend_after_ms,
            intent.fingerprint,
            intent.server,
            ",".join(map(str, intent.recipients)),
        )
        return answer

    def record(
        self, claim: Claim, *, attempt: int, results: Results
    ) -> Literal["recorded", "stale", "cancelled", "unknown"]:
        """Keep the results of an attempt while the pass goes on; closes the intent."""
        answer: Literal["recorded", "stale", "cancelled", "unknown"]
        answer = self._scripts.run("record", claim.id, claim.token, attempt, *results.arguments())
        return answer

    def finish(
        self,
        claim: Claim,
        *,
        then: Literal["waiting", "queued", "held", "failed"],
        results: Results,
        reason: str,
        delay_seconds: float = 0.0,
        memory: str = "",
        counts_as_pass: bool = True,
        attempts: int | None = None,
        revision: int = 0,
        waits_for: Collection[str] = (),
        beside: Sequence[Question[Any]] = (),
    ) -> tuple[Literal["finished", "stale", "moved", "unknown"], State]:
        """End the claim; the state it came to.

        A final state follows from the outcomes where none is open, whatever `then` says.

        Args:
            claim: The claim to end.
            then: Where a notification with open recipients goes.
            results: Outcomes and timeline entries not recorded yet.
            reason: Why, in words for the operator; no address and no text.
            delay_seconds: How long to wait (`waiting`) or not to ring (`queued`).
            memory: Kept for the next pass.
            counts_as_pass: False where nobody could be tried.
            attempts: Number of the last attempt.
            revision: Of the options it was routed by. For `held`: refused as `moved` where they are newer.
            waits_for: For `waiting`: fingerprints of servers; it goes on as soon as one of them may be used
                again, see `recover`, or the options are newer than `revision`, see `release_waiting`.
            beside: What is asked in the same round trip, as the claim of the next one.
        """
        finishing = self._scripts.question(
            "finish",
            tuple,
            claim.id,
            claim.token,
            then,
            milliseconds(delay_seconds),
            reason,
            memory,
            int(counts_as_pass),
            self._revision_key,
            revision,
            claim.attempts if attempts is None else attempts,
            " ".join(waits_for),
            *results.arguments(),
        )
        status, state = ask(self._scripts.trips, finishing, beside)
        return status, state

    def cancel(
        self, notification_id: str, *, by: str, why: str = ""
    ) -> tuple[Literal["cancelled", "asked", "final", "unknown"], State | Literal[""]]:
        """Cancel; `asked` where it is being sent and the worker stops before its next body."""
        status, state = self._scripts.run("cancel", notification_id, by, why)
        return status, state

    def sweep(self, lane: str, *, room: int, look: int = 200, first: Sequence[str] = ()) -> Sweep:
        """Look at what is due in a lane.

        Args:
            lane: Which part of the due-set.
            room: How many more its queue may take.
            look: How many due records are looked at.
            first: Those of them that are rung for before all others, whatever room there is.
        """
        rung, ended, suspects = self._scripts.run(
            "sweep", lane, room, max(look, room), milliseconds(RING_AGAIN_SECONDS), POISON_LAPSES, *first
        )
        return Sweep(
            ring=tuple((rung[i], int(rung[i + 1])) for i in range(0, len(rung), 2)),
            ended=tuple((ended[i], ended[i + 1]) for i in range(0, len(ended), 2)),
            suspects=frozenset(suspects),
            called=frozenset(rung[::2]).intersection(first),
        )

    def release_held(self, before_revision: int, *, limit: int = 200) -> int:
        """Queue what was held under a revision older than this; how many that were."""
        released: int = self._scripts.run("release", before_revision, limit, "held")
        return released

    def release_waiting(self, before_revision: int, *, limit: int = 200) -> int:
        """Queue what waits for servers of a revision older than this; how many that were."""
        released: int = self._scripts.run("release", before_revision, limit, "outage")
        return released

    def awaited(self) -> frozenset[str]:
        """Fingerprints of the servers that something waits for, or did a moment ago."""
        return frozenset(map(str, self._redis.smembers(self._outages_key)))

    def recover(self, fingerprint: str, *, limit: int) -> int:
        """Queue what waits for a server, oldest first; how many that were."""
        recovered: int = self._scripts.run("recover", fingerprint, limit)[0]
        return recovered

    def call_first(self, line: str) -> list[tuple[str, Lane, int]]:
        """Queue the first that waits in a line for a connection: its id, lane and passes made, for a bell."""
        answer = self._scripts.run("recover", line, 1)[1:]
        return [(answer[0], answer[1], answer[2])] if answer else []

    def purge(self, *, older_than_seconds: float, limit: int = 200) -> tuple[int, bool]:
        """Forget records that have been final for longer than this; how many, and whether there are more.

        Everything of a record goes: content, timeline, idempotency key, number and every index entry.
        """
        purged, more = self._scripts.run("purge", milliseconds(older_than_seconds), limit)
        return purged, bool(more)

    def refuse_when_nearly_full(self) -> None:
        """Go on only where something more can be accepted; looked at once a second.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory.
        """
        self._memory.refuse_when_nearly_full()
