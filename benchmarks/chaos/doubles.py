"""Which kill each double came of, and whether the server had answered when it came."""

from __future__ import annotations

import bisect
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.chaos.outcome import Outcome
from tests.rigs.mailbox import Mail, Mailbox


@dataclass(frozen=True, slots=True)
class Kill:
    """From when until when something was killed, in seconds that only grow."""

    began: float
    ended: float


@contextlib.contextmanager
def noted(kills: list[Kill]) -> Iterator[None]:
    """Note the kill that is made within it."""
    began = time.monotonic()
    yield
    kills.append(Kill(began, time.monotonic()))


def tell_doubles(outcome: Outcome, mailbox: Mailbox, kills: Sequence[Kill], *, slots: int) -> None:
    """Add the figures, and a fault where a kill made more doubles than the worker had slots.

    A mail that the server had answered before the kill is one whose end we had not written yet; the server
    was at work on the others, and nobody could have known.

    Args:
        outcome: Of the experiment.
        mailbox: The server.
        kills: In order.
        slots: Of the worker.
    """
    of_kill, ends = [0] * len(kills), [kill.ended for kill in kills]
    answered = 0
    for first in _firsts_of_doubles(mailbox):
        place = bisect.bisect_left(ends, first.taken_at)
        if place == len(kills):
            outcome.faults.append(f"{first.notification_id} came twice, and no kill came after the first")
            continue
        of_kill[place] += 1
        answered += first.answered_at <= kills[place].began
    outcome.figures |= {
        "doubles_of_a_kill": {
            "mean": round(sum(of_kill) / len(of_kill), 1),
            "most": max(of_kill),
            "slots": slots,
        },
        "doubles_answered_before_the_kill": answered,
    }
    outcome.expect(
        that=max(of_kill) <= slots, else_fault=f"a kill made {max(of_kill)} doubles of {slots} slots"
    )


def _firsts_of_doubles(mailbox: Mailbox) -> list[Mail]:
    def name(mail: Mail) -> str:
        return mail.notification_id

    groups = [list(mails) for _, mails in groupby(sorted(mailbox.mails(), key=name), key=name)]
    return [min(mails, key=lambda mail: mail.taken_at) for mails in groups if len(mails) > 1]
