"""Why somebody does not have a notification that is final, as one of a few causes: each has its page.

A reason is a sentence, and there are as many as servers have replies. What an operator does about it depends
on the state, and for what ended by time on what kept it waiting last.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tasks.ledger import DEAD_LETTERS
from tasks.ledger.queries import Record
from tasks.routing import PRIMARY_EMAIL_BLANK
from tasks.verdict import Verdict

PAGE: Final = "docs/runbook/dead-letters.md"
#: How the scripts of the ledger begin the reason of what killed its workers.
_POISON: Final = "poison:"
#: How a reason says that our limits kept it, which is noted nowhere else.
_OWN_LIMIT: Final = "our own limit"


class Cause(enum.Enum):
    """The headings of the page."""

    RECIPIENT_REFUSED = "Failed: every recipient refused"
    MESSAGE_REFUSED = "Failed: the message refused"
    POISON = "Failed: poison"
    FAILED = "Failed: otherwise"
    PARTIAL = "Partial"
    UNCERTAIN = "Uncertain"
    HELD = "Expired: no server set"
    SERVER_DOWN = "Expired: servers down"
    MISCONFIGURED = "Expired: a server needs a person"
    THROTTLED = "Expired: throttled"
    NOT_TAKEN = "Expired: put off by the server"
    PAUSED = "Expired: servers paused"
    FILES_MISSING = "Expired: attachments missing"
    NEVER_TRIED = "Expired: never tried"
    EXPIRED = "Expired: otherwise"

    @property
    def link(self) -> str:
        """The page, at this heading."""
        anchor = re.sub(r"[^\w\s-]", "", self.value.lower()).replace(" ", "-")
        return f"{PAGE}#{anchor}"


_REFUSALS: Final[Mapping[str, Cause]] = MappingProxyType(
    {
        Verdict.RECIPIENT_REFUSED.value: Cause.RECIPIENT_REFUSED,
        Verdict.MESSAGE_REFUSED.value: Cause.MESSAGE_REFUSED,
    }
)
#: By what the timeline says last of the notification or of a server.
KEPT_WAITING: Final[Mapping[str, Cause]] = MappingProxyType(
    {
        Verdict.SERVER_DOWN.value: Cause.SERVER_DOWN,
        Verdict.STALE_CONNECTION.value: Cause.SERVER_DOWN,
        "passed_over": Cause.SERVER_DOWN,
        Verdict.MISCONFIGURED.value: Cause.MISCONFIGURED,
        Verdict.THROTTLED.value: Cause.THROTTLED,
        Verdict.TOO_MANY.value: Cause.THROTTLED,
        Verdict.RECIPIENT_WAITS.value: Cause.NOT_TAKEN,
        Verdict.MESSAGE_WAITS.value: Cause.NOT_TAKEN,
        "paused": Cause.PAUSED,
        "attachments_wait": Cause.FILES_MISSING,
    }
)
#: What is noted of a notification without anything having been tried.
_NO_TRY: Final = frozenset({"expired", "cancel_asked", "remark", "replayed", "escalation", "notice"})


def cause_of(record: Record) -> Cause | None:
    """The cause of a dead letter; None of what is none."""
    if record.state not in DEAD_LETTERS:
        return None
    match record.state:
        case "partial":
            return Cause.PARTIAL
        case "uncertain":
            return Cause.UNCERTAIN
        case "failed":
            return _failed(record)
    return _expired(record)


def _failed(record: Record) -> Cause:
    if record.reason.startswith(_POISON):
        return Cause.POISON
    refusals = (_REFUSALS.get(_verdict(entry)) for entry in reversed(record.timeline))
    return next((cause for cause in refusals if cause), Cause.FAILED)


def _expired(record: Record) -> Cause:
    if PRIMARY_EMAIL_BLANK in record.reason:
        return Cause.HELD
    if _OWN_LIMIT in record.reason:
        return Cause.THROTTLED
    for entry in reversed(record.timeline):
        if found := KEPT_WAITING.get(_verdict(entry)):
            return found
    tried = any(_verdict(entry) not in _NO_TRY for entry in record.timeline)
    return Cause.EXPIRED if tried else Cause.NEVER_TRIED


def _verdict(entry: Mapping[str, Any]) -> str:
    return str(entry.get("verdict") or "")
