"""Traces for OpenTelemetry: one notification, from the program that gave it to the reply of a server.

    publisher    accept ── ledger, enqueue
                    └─ worker    pass ── claim, route, attempt, finish
                                                       └─ connect, …, mail, rcpt, intent, body, final
                                 later passes: traces of their own, each linked to the first

The way from one process to the next is the record in the ledger, because the sweeper rings from it anew; the
headers of the task carry it too. Both hold ids and nothing else. No span has an address, a host or a text.

Where nobody asks for traces, by the standard variables `OTEL_*`, nothing is imported and nothing is kept.
"""

from tasks.tracing.tracer import carrier, is_on, span, step

__all__ = ["carrier", "is_on", "span", "step"]
