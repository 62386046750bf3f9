"""A file, or a part of it, that another program has locked is asked for again a few times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.budget import Budget

#: After so long each, and then the mail goes without.
LOCKED_WAITS_SECONDS: Final = (0.25, 0.5, 1.0, 1.5, 2.0)

_Found = TypeVar("_Found")


def patiently(ask: Callable[[], _Found], budget: Budget, pause: Callable[[float], None]) -> _Found:
    """Ask; while it is locked a few times more, within the budget.

    Raises:
        AttachmentFault: It is still locked, or cannot be had for another reason.
    """
    for seconds in LOCKED_WAITS_SECONDS:
        try:
            return ask()
        except AttachmentFault as fault:
            if fault.kind is not Fault.LOCKED or budget.left_seconds < seconds:
                raise
        with budget.spending():
            pause(seconds)
    return ask()
