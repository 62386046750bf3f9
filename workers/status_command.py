"""`celery -A workers inspect notify_status`: what a worker uses and does now, also for Flower's operators.

It shows names and states, and no host, address or text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import redis
from celery.worker import state as worker_state
from celery.worker.control import inspect_command

from settings_store.errors import SettingsError
from tasks.breaker import Breaker
from tasks.fleet import redis_clock
from tasks.runtime import Runtime
from tasks.server_status import ServerStatus, server_statuses, standings
from workers.steps import served_lanes

_runtime: Final[list[Callable[[], Runtime]]] = []


def provide(runtime: Callable[[], Runtime]) -> None:
    """Say where the command finds this process' runtime; the last word counts."""
    _runtime[:] = [runtime]


@inspect_command(name="notify_status")
def notify_status(state: Any, **_: object) -> dict[str, Any]:
    """Revision of the options, servers as the breaker has them, slots and kept connections."""
    runtime = _runtime[0]()
    slots = state.consumer.controller.concurrency
    return {
        "slots": slots,
        "busy": len(worker_state.active_requests),
        "received": sum(worker_state.total_count.values()),
        "lanes": served_lanes(state.app),
        "pool": {"connections_kept": runtime.pool.idle_count},
        **_from_redis(runtime),
    }


def _from_redis(runtime: Runtime) -> Mapping[str, Any]:
    try:
        now_ms, ahead_ms = redis_clock(runtime.redis)
        snapshot = runtime.store.snapshot()
        states = Breaker(runtime.redis, prefix=runtime.environment.prefix).servers()
    except (redis.RedisError, SettingsError) as error:
        return {"error": f"the options cannot be read ({type(error).__name__})"}
    statuses = server_statuses(snapshot, states, {})
    return {
        "revision": snapshot.revision,
        "clock_ahead_seconds": round(ahead_ms / 1000, 3),
        "channels": {
            each.channel: {"condition": each.condition, "carrier": each.carrier}
            for each in standings(snapshot, states)
        },
        "servers": {status.name: _shown(status, now_ms) for status in statuses if status.server},
    }


def _shown(status: ServerStatus, now_ms: int) -> dict[str, Any]:
    state = status.state
    since = state.since_ms if state else None
    return {
        "state": state.state if state else "closed",
        "seconds": round((now_ms - since) / 1000) if since else None,
        "reason": state.reason if state else "",
        "failures": state.failures if state else 0,
        "places": dict(status.places),
    }
