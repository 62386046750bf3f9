"""What an entry of the timeline says in small print, and for whom it was, for screen and page alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from console.presenting.message_json import named
from console.presenting.relative_time import duration

_NAMED_RECIPIENTS: Final = 3


def whom(entry: Mapping[str, Any], recipients: tuple[str, ...]) -> str:
    """The first of those that it was for, and how many more; blank where it was for all or for nobody."""
    meant = named(entry, recipients)
    if not meant or len(meant) >= len(recipients):
        return ""
    rest = len(meant) - _NAMED_RECIPIENTS
    return f"{', '.join(meant[:_NAMED_RECIPIENTS])}{f' and {rest} more' if rest > 0 else ''}"


def facts(entry: Mapping[str, Any]) -> str:
    """Pass, stage, size, time and revision, as far as it has them."""
    return ", ".join(_facts(entry))


def _facts(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry.get("pass"):
        yield f"pass {entry['pass']}"
    if entry.get("server") and entry.get("file"):
        yield f"file {entry['file']}"
    if entry.get("stage") and (entry.get("server") or not entry.get("file")):
        yield f"at {entry['stage']}"
    if entry.get("bytes"):
        yield f"{int(entry['bytes']):,} bytes"
    if entry.get("seconds") is not None:
        yield f"took {duration(float(entry['seconds']) * 1000)}"
    if entry.get("revision") is not None:
        yield f"revision {entry['revision']}"
