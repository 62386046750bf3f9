"""All experiments by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.chaos import (
    backlog,
    coming_back,
    engines,
    kill_doors,
    kills,
    limits_kept,
    memory_full,
    redis_breaks,
    servers,
    shutdown,
    urgent_ones,
)
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting

EXPERIMENTS: Final[Mapping[str, Callable[[Setting], Outcome]]] = {
    "kill-threads": kills.kill_threads,
    "kill-prefork-parent": kills.kill_prefork_parent,
    "kill-prefork-child": kills.kill_prefork_child,
    "kill-prefork-group": kills.kill_prefork_group,
    "kill-doors": kill_doors.kill_doors,
    "stop-threads": shutdown.stop_threads,
    "stop-prefork": shutdown.stop_prefork,
    "rolling-restart": shutdown.rolling_restart,
    "redis-killed-always": redis_breaks.killed_always,
    "redis-killed-everysec": redis_breaks.killed_everysec,
    "redis-away": redis_breaks.outage,
    "redis-hangs": redis_breaks.hang,
    "redis-resets": redis_breaks.resets,
    "redis-wrong-password": redis_breaks.wrong_password,
    "sentinel-failover": engines.sentinel_failover,
    "rabbitmq-wiped": engines.rabbitmq_wiped,
    "redis-full": memory_full.redis_full,
    "servers-misbehave": servers.misbehaviour,
    "past-a-black-hole": servers.past_a_black_hole,
    "both-down-an-hour": coming_back.both_down,
    "flapping": coming_back.flapping,
    "greylisting": coming_back.greylisting,
    "limits-kept": limits_kept.limits_kept,
    "urgent-ones": urgent_ones.urgent_ones,
    "backlog": backlog.backlog,
}

#: In their short form these are among the tests, and what `--short` runs where none is named.
IN_THE_TESTS: Final = (
    "kill-threads",
    "kill-prefork-parent",
    "kill-doors",
    "rolling-restart",
    "redis-killed-always",
    "redis-resets",
    "redis-full",
    "servers-misbehave",
    "both-down-an-hour",
    "flapping",
    "greylisting",
)
