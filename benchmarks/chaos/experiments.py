"""All experiments by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.chaos import kills, memory_full, shutdown
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting

EXPERIMENTS: Final[Mapping[str, Callable[[Setting], Outcome]]] = {
    "kill-threads": kills.kill_threads,
    "kill-prefork-parent": kills.kill_prefork_parent,
    "kill-prefork-child": kills.kill_prefork_child,
    "kill-prefork-group": kills.kill_prefork_group,
    "stop-threads": shutdown.stop_threads,
    "stop-prefork": shutdown.stop_prefork,
    "rolling-restart": shutdown.rolling_restart,
    "redis-full": memory_full.redis_full,
}
