"""How much of its limits a server uses, in an operator's words."""

from __future__ import annotations

from tasks.server_status import ServerStatus


def limits_used(status: ServerStatus) -> str:
    """Such as `12 of 30 a minute, 2 of 3 connections; 5 messages wait`; blank where there is no limit."""
    used, waiting = [], []
    if status.messages_per_minute:
        used.append(f"{status.usage.messages} of {status.messages_per_minute} a minute")
        waiting.append(_waiting(status.usage.messages_waiting, "message", ""))
    if status.connections:
        used.append(f"{status.usage.connections} of {status.connections} connections")
        waiting.append(_waiting(status.usage.workers_waiting, "worker", " for a connection"))
    return "; ".join(filter(None, (", ".join(used), ", ".join(filter(None, waiting)))))


def _waiting(count: int, what: str, rest: str) -> str:
    if not count:
        return ""
    return f"{count} {what} waits{rest}" if count == 1 else f"{count} {what}s wait{rest}"
