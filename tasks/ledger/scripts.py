"""The Lua scripts of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import redis

from tasks.lua_scripts import REDIS_CLOCK, LuaScripts

_FOLDER: Final = Path(__file__).parent / "lua"

NAMES: Final = (
    "accept",
    "cancel",
    "claim",
    "counts",
    "due_now",
    "finish",
    "intent",
    "look",
    "purge",
    "record",
    "recover",
    "release",
    "renew",
    "replay",
    "search",
    "sweep",
)


class Scripts(LuaScripts):
    """All of `NAMES`, or some."""

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        clock: str = REDIS_CLOCK,
        *,
        only: Sequence[str] = NAMES,
    ) -> None:
        super().__init__(client, prefix, _FOLDER, only, clock=clock)

    def run_many(self, name: str, calls: list[tuple[str | int, ...]]) -> list[Any]:
        """Run one script for each call in one round trip; an error stands in the place of its answer."""
        script = self._scripts[name]
        return self.trips.run([(script, (self._prefix, *arguments)) for arguments in calls])
