"""Dead letters are opened again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tasks.ledger.records import Replay, Replayed, State, new_token
from tasks.ledger.scripts import Scripts
from tasks.ledger.timing import RING_AGAIN_SECONDS, milliseconds


class Replaying:
    """What the ledger does with what ended without having come to everybody."""

    _scripts: Scripts

    def replay(
        self,
        notification_id: str,
        *,
        age_limit_ms: int,
        by: str,
        why: str,
        even_expired: bool = False,
        even_uncertain: bool = False,
        delay_seconds: float = 0.0,
        ring: bool = False,
        token: str | None = None,
    ) -> tuple[Replayed, State | Literal[""]]:
        """Open a dead letter again for the recipients who do not have it, with a fresh age limit.

        `refused` where it is no dead letter; `expired` or `uncertain` where it is such a one and nobody said
        that it may go all the same: it may be stale, or arrive twice.

        Args:
            notification_id: Which.
            age_limit_ms: How long it may be tried, from its turn on.
            by: Who replays.
            why: The reason, for the timeline.
            even_expired: Also what is expired, wholly or for some recipients.
            even_uncertain: Also what may have arrived.
            delay_seconds: How long until its turn.
            ring: Whether the caller enqueues it at once.
            token: The same for a repeated call, which then changes nothing.
        """
        one = Replay(notification_id, age_limit_ms, delay_seconds, token or new_token())
        return self.replay_many(
            [one], by=by, why=why, even_expired=even_expired, even_uncertain=even_uncertain, ring=ring
        )[0]

    def replay_many(
        self,
        replays: Sequence[Replay],
        *,
        by: str,
        why: str,
        even_expired: bool = False,
        even_uncertain: bool = False,
        ring: bool = False,
        dry_run: bool = False,
    ) -> list[tuple[Replayed, State | Literal[""]]]:
        """`replay` many in one round trip, each by itself; with `dry_run` only say what would be."""
        answers = self._scripts.run_many(
            "replay",
            [
                (
                    replay.id,
                    replay.token,
                    replay.age_limit_ms,
                    int(even_expired),
                    int(even_uncertain),
                    by,
                    why,
                    milliseconds(replay.delay_seconds),
                    milliseconds(RING_AGAIN_SECONDS),
                    int(ring),
                    int(dry_run),
                )
                for replay in replays
            ],
        )
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [(status, state) for status, state in answers]
