"""Moments as people type them: an RFC 3339 time, or a distance such as `2h` or `1h30m`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from console.cli.errors import BadInput

_DISTANCE = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,8})s)?")


def moment(
    text: str, flag: str, direction: Literal["ago", "from now"], *, now: datetime | None = None
) -> datetime:
    """The moment that somebody means.

    Args:
        text: What was typed.
        flag: Where, for the error.
        direction: Where a distance leads to.
        now: The present; the clock of this machine unless given.

    Raises:
        BadInput: It is neither form.
    """
    asked = text.strip()
    distance = _DISTANCE.fullmatch(asked)
    if asked and distance:
        days, hours, minutes, seconds = (int(part or 0) for part in distance.groups())
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        present = now or datetime.now(UTC)
        try:
            return present - length if direction == "ago" else present + length
        except OverflowError:
            raise _outside(flag) from None
    try:
        typed = datetime.fromisoformat(asked)
    except ValueError:
        raise BadInput(
            f"{flag}: is neither a distance such as 2h, 30m or 1h30m nor an RFC 3339 time", _hint(flag)
        ) from None
    if typed.tzinfo is None:
        raise BadInput(f"{flag}: the time has no offset from UTC", _hint(flag))
    try:
        typed.astimezone(UTC)
    except OverflowError:
        raise _outside(flag) from None
    return typed


def _outside(flag: str) -> BadInput:
    return BadInput(f"{flag}: leads out of the calendar", _hint(flag))


def _hint(flag: str) -> str:
    return f"for example {flag} 2h, or {flag} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
