"""Which commands a worker takes over Celery's remote control: those that look, and those that stop one mail.

Whoever may publish on the broker's control channel can send any command to every worker at once. What would
end a worker, kill its threads, change its size or take its queues away is refused. There is a list of what is
taken, so that a command that a new version of Celery brings is refused until somebody thought about it. A
worker is ended, and sized, by whoever supervises it.
"""

from __future__ import annotations

from typing import Any, Final

from celery.worker.control import Panel

from settings_store.logs import EventLog

#: What Flower, `celery inspect`, `celery status` and other workers ask; `conf` and `report` show no password.
_LOOKS: Final = frozenset(
    {
        "active",
        "active_queues",
        "clock",
        "conf",
        "hello",
        "notify_status",
        "ping",
        "query_task",
        "registered",
        "report",
        "reserved",
        "revoked",
        "scheduled",
        "stats",
    }
)
#: What changes something: events for Flower, and the end of one notification, which the ledger records.
_ACTS: Final = frozenset({"disable_events", "enable_events", "heartbeat", "revoke"})
TAKEN: Final = _LOOKS | _ACTS

_log = EventLog(__name__)


def limit() -> None:
    """Refuse from now on every command that is not taken; call it after all are known."""
    # Celery names some of them twice: `active` is `dump_active` as well.
    taken = {handler for name, handler in Panel.data.items() if name in TAKEN}
    for name, handler in list(Panel.data.items()):
        if handler not in taken:
            Panel.data[name] = _refusal(name)
    Panel.data["revoke"] = _revoke
    Panel.data["stats"] = _stats


def _refusal(name: str) -> Any:
    def refused(_: Any, **__: Any) -> dict[str, str]:
        return _refuse(name)

    return refused


def _refuse(what: str) -> dict[str, str]:
    _log.warning("remote_command_refused", command=what)
    return {"error": f"{what} is refused: this worker takes no remote command that ends, sizes or rebinds it"}


def _revoke(state: Any, task_id: Any, terminate: bool = False, **more: Any) -> Any:  # noqa: FBT001, FBT002  # Celery's
    """Cancel, and never terminate: what is being sent is asked to stop where that is safe."""
    if terminate:
        return _refuse("revoke with terminate")
    more.pop("signal", None)
    return _CELERYS_REVOKE(state, task_id, **more)


def _stats(state: Any, **more: Any) -> Any:
    """What Celery tells, without how the broker is spoken to.

    Behind Sentinels that has their password, which Flower would show to whoever looks, and parts that cannot
    be written as JSON, so that nothing at all would be answered.
    """
    told: dict[str, Any] = _CELERYS_STATS(state, **more)
    if isinstance(told.get("broker"), dict):
        told["broker"].pop("transport_options", None)
    return told


_CELERYS_REVOKE: Final = Panel.data["revoke"]
_CELERYS_STATS: Final = Panel.data["stats"]
