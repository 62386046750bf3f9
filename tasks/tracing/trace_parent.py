"""The ids of a span as text: `traceparent` of W3C Trace Context, version 00."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class TraceParent(NamedTuple):
    """Where a span belongs."""

    trace_id: int
    span_id: int
    flags: int

    def __str__(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.flags:02x}"


def read_trace_parent(text: object) -> TraceParent | None:
    """The ids; None for whatever is not in that form, be it from a stranger's message."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    parent = TraceParent(int(found[1], 16), int(found[2], 16), int(found[3], 16))
    return parent if parent.trace_id and parent.span_id else None
