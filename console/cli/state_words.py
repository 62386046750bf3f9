"""States and verdicts in an operator's words, and the colour and mark of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from console.cli.cell_text import shown
from console.cli.screen import Colour
from tasks.ledger import State
from tasks.ledger.records import Outcome
from tasks.verdict import Verdict

GOOD, WAITS, BAD, NEUTRAL = "✓", "!", "✗", "·"

COLOUR_OF_STATE: Mapping[State, tuple[Colour, ...]] = MappingProxyType(
    {
        "queued": ("cyan",),
        "sending": ("cyan",),
        "waiting": ("yellow",),
        "held": ("yellow", "bold"),
        "delivered": ("green",),
        "partial": ("red",),
        "uncertain": ("yellow", "bold"),
        "failed": ("red", "bold"),
        "expired": ("red", "bold"),
        "cancelled": ("dim",),
    }
)

MEANING_OF_STATE: Mapping[State, str] = MappingProxyType(
    {
        "queued": "a worker takes it next",
        "sending": "a worker is at it",
        "waiting": "it is tried again by itself",
        "held": "no server for it: it goes out once the options change",
        "delivered": "every recipient's server took it",
        "partial": "some recipients got it, others did not",
        "uncertain": "a server's last reply was lost: it may have arrived",
        "failed": "refused; it is not tried again",
        "expired": "not sent in time; it is not tried again",
        "cancelled": "stopped by a person",
    }
)

MARK_OF_OUTCOME: Mapping[Outcome, tuple[str, Colour]] = MappingProxyType(
    {
        "delivered": (GOOD, "green"),
        "open": (NEUTRAL, "cyan"),
        "refused": (BAD, "red"),
        "uncertain": (WAITS, "yellow"),
    }
)

#: Mark, colour, words, and whether the words say all, so that the reason adds nothing.
_VERDICTS: Mapping[str, tuple[str, Colour, str, bool]] = MappingProxyType(
    {
        Verdict.DELIVERED.value: (GOOD, "green", "delivered", True),
        Verdict.UNCERTAIN.value: (WAITS, "yellow", "uncertain", False),
        Verdict.STALE_CONNECTION.value: (NEUTRAL, "dim", "stale connection", False),
        Verdict.MISCONFIGURED.value: (BAD, "red", "a person must act", False),
        Verdict.THROTTLED.value: (WAITS, "yellow", "throttled", False),
        Verdict.SERVER_DOWN.value: (BAD, "red", "server down", False),
        Verdict.TOO_MANY.value: (NEUTRAL, "dim", "too many recipients at once", True),
        Verdict.RECIPIENT_WAITS.value: (WAITS, "yellow", "recipient not taken now", True),
        Verdict.RECIPIENT_REFUSED.value: (BAD, "red", "recipient refused", True),
        Verdict.MESSAGE_WAITS.value: (WAITS, "yellow", "message not taken now", True),
        Verdict.MESSAGE_REFUSED.value: (BAD, "red", "message refused", False),
        "passed_over": (WAITS, "yellow", "passed over", False),
        "paused": (NEUTRAL, "cyan", "paused", False),
        "attachment_fetched": (GOOD, "green", "attachment fetched", False),
        "attachment_empty": (NEUTRAL, "cyan", "nothing to attach", False),
        "attachment_missing": (BAD, "red", "attachment not sent", False),
        "attachment_left_out": (BAD, "red", "attachment left out", False),
        "attachment_lost": (BAD, "red", "sending broken off", False),
        "attachments_wait": (WAITS, "yellow", "not sent without its attachments", False),
        "lease_over": (WAITS, "yellow", "worker gone", False),
        "cancel_asked": (NEUTRAL, "cyan", "cancelling", False),
        "cancelled": (NEUTRAL, "cyan", "cancelled", False),
        "escalated": (WAITS, "yellow", "a text follows", False),
        "escalation_spared": (NEUTRAL, "cyan", "no text of its own", False),
        "escalation": (NEUTRAL, "cyan", "a text in place of a mail", False),
        "notice": (NEUTRAL, "cyan", "a notice of this notifier", False),
        "expired": (BAD, "red", "expired", False),
    }
)


def entry_words(entry: Mapping[str, Any]) -> tuple[str, Colour, str, str]:
    """Mark and colour of an entry of the timeline, what happened, and why, which may be blank.

    A verdict that this version does not know speaks for itself.
    """
    known = str(entry.get("verdict") or "no verdict")
    mark, colour, words, says_all = _VERDICTS.get(
        known, (NEUTRAL, "cyan", shown(known.replace("_", " ")), False)
    )
    if entry.get("by"):
        words = f"{words} by {shown(entry['by'])}"
    reason = "" if says_all else shown(entry.get("reason") or "")
    # "cancelled by ann: sent by hand" says what happened, who did it and why.
    return (mark, colour, reason, "") if reason.startswith(words) else (mark, colour, words, reason)
