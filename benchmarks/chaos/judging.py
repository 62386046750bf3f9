"""Holds what the mail servers took against what the ledger says, notification by notification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.chaos.outcome import Outcome
from tasks.ledger import FINAL_STATES
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mail, Mailbox


@dataclass
class Judgement:
    """What became of a number of notifications with one recipient each; lists hold ids.

    Attributes:
        states: How many ended how.
        unknown: The ledger has none of these.
        still_open: In no final state.
        undelivered: Final, and neither delivered nor uncertain.
        vanished: Said to be delivered, and no server took one.
        uncertain: How many are marked as uncertain.
        twice: How many mails came more than once, the first not counted; all of them marked.
        hidden: Came more than once without a mark, or under two Message-IDs.
        unasked: Mails that nobody published.
    """

    states: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    uncertain: int = 0
    twice: int = 0
    hidden: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)

    def tell(self, outcome: Outcome) -> None:
        """Add the figures, and a fault for whatever the promise rules out."""
        outcome.figures |= {
            "ended": dict(sorted(self.states.items())),
            "lost": len(self.unknown) + len(self.still_open) + len(self.vanished) + len(self.undelivered),
            "marked_uncertain": self.uncertain,
            "doubles_marked": self.twice,
            "doubles_hidden": len(self.hidden),
        }
        for name in ("unknown", "still_open", "undelivered", "vanished", "hidden", "unasked"):
            ids = getattr(self, name)
            outcome.expect(
                that=not ids, else_fault=f"{name.replace('_', ' ')}: {len(ids)}, among them {ids[:3]}"
            )


def judge(installation: Installation, ids: Sequence[str], mailboxes: Iterable[Mailbox]) -> Judgement:
    """What became of each of these notifications."""
    arrived: dict[str, list[Mail]] = {}
    for mailbox in mailboxes:
        for mail in mailbox.mails():
            arrived.setdefault(mail.notification_id, []).append(mail)
    found = Judgement()
    for each in ids:
        mails = arrived.pop(each, [])
        record = installation.queries.get(each)
        if record is None:
            found.unknown.append(each)
            continue
        found.states[record.state] += 1
        is_uncertain = any(entry["verdict"] == "uncertain" for entry in record.timeline)
        found.uncertain += is_uncertain
        if record.state not in FINAL_STATES:
            found.still_open.append(each)
        elif record.state not in {"delivered", "uncertain"}:
            found.undelivered.append(each)
        elif record.state == "delivered" and not mails:
            found.vanished.append(each)
        if len(mails) > 1 and (not is_uncertain or len({mail.message_id for mail in mails}) > 1):
            found.hidden.append(each)
        else:
            found.twice += max(0, len(mails) - 1)
    found.unasked = sorted(arrived)
    return found
