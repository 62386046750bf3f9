"""Time in a person's words: how long, how long ago, in how long; and in a program's: RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime

_TENTH_MS = 100
_SECOND_MS = 1000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
#: A wait may end beyond the calendar, which is shown as its last day but one: every zone has that day.
_LAST_MS = datetime(9999, 12, 30, tzinfo=UTC).timestamp() * _SECOND_MS
#: From here on the smaller unit says nothing any more.
_COARSE = 10


def rfc3339(milliseconds: float | None) -> str | None:
    """Unix milliseconds as RFC 3339 in UTC with milliseconds; None stays None."""
    if milliseconds is None:
        return None
    return f"{_utc(milliseconds):%Y-%m-%dT%H:%M:%S}.{int(milliseconds) % _SECOND_MS:03d}Z"


def duration(milliseconds: float) -> str:
    """How long, in the one or two units that matter: `40 ms`, `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    length = abs(milliseconds)
    if length < _TENTH_MS:
        return f"{length:.0f} ms"
    if length < _SECOND_MS:
        return f"{length / _SECOND_MS:.1f} s"
    whole = int(length)
    if whole < _MINUTE_MS:
        return f"{whole // _SECOND_MS} s"
    if whole < _HOUR_MS:
        return _two(whole, _MINUTE_MS, "min", _SECOND_MS, "s")
    if whole < _DAY_MS:
        return _two(whole, _HOUR_MS, "h", _MINUTE_MS, "min")
    return _two(whole, _DAY_MS, "d", _HOUR_MS, "h")


def relative(then_ms: float, now_ms: float) -> str:
    """`12 min ago`, `in 4 min`, `now`."""
    if abs(then_ms - now_ms) < _SECOND_MS:
        return "now"
    return f"{duration(now_ms - then_ms)} ago" if then_ms < now_ms else f"in {duration(then_ms - now_ms)}"


def clock_time(milliseconds: float, *, date: bool = True) -> str:
    """The local time of this machine with its zone, or without date and zone."""
    moment = _utc(milliseconds).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if date else f"{moment:%H:%M:%S}"


def local_date(milliseconds: float) -> str:
    """The date on this machine."""
    return f"{_utc(milliseconds).astimezone():%Y-%m-%d}"


def _utc(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(milliseconds, 0), _LAST_MS) / _SECOND_MS, tz=UTC)


def _two(whole: int, unit_ms: int, unit: str, smaller_ms: int, smaller: str) -> str:
    count, rest = divmod(whole, unit_ms)
    small = rest // smaller_ms
    return f"{count} {unit} {small} {smaller}" if small and count < _COARSE else f"{count} {unit}"
