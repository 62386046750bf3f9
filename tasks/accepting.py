"""The span of an acceptance, which the record leads back to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from tasks import tracing
from tasks.broker import QUEUE_OF_LANE
from tasks.ledger import Entry


@contextlib.contextmanager
def accepting(entries: Sequence[Entry], *, current: bool) -> Iterator[Sequence[Entry]]:
    """Trace the acceptance of each; gives the entries as they are to be recorded.

    Args:
        entries: One alone, or some of many.
        current: Whether what is done meanwhile belongs to it. Of many each has a span of its own, in a trace
            of its own where nothing is current.
    """
    if not tracing.is_on():
        yield entries
        return
    with contextlib.ExitStack() as spans:
        traced = []
        for entry in entries:
            span = spans.enter_context(tracing.span("accept", kind="producer", current=current))
            span.set(
                {
                    "messaging.operation.type": "send",
                    "messaging.operation.name": "accept",
                    "messaging.destination.name": QUEUE_OF_LANE[entry.lane],
                    "messaging.message.id": entry.id,
                    "notify.channel": entry.channel,
                    "notify.priority": entry.priority,
                }
            )
            traced.append(msgspec.structs.replace(entry, trace=span.carrier) if span.carrier else entry)
        yield traced
