"""The Lua scripts of the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import redis

from tasks.limits.timing import LUA_CONSTANTS
from tasks.lua_scripts import LuaScripts

_FOLDER: Final = Path(__file__).parent / "lua"

NAMES: Final = (
    "count",
    "give_back",
    "leave",
    "release",
    "renew",
    "sent",
    "should_yield",
    "take",
    "turns_come",
    "usage",
)


class Scripts(LuaScripts):
    """Those that `NAMES` says; they know how long the limits wait for what."""

    def __init__(self, client: redis.Redis, prefix: str, clock: str) -> None:
        super().__init__(client, prefix, _FOLDER, NAMES, clock=clock, constants=LUA_CONSTANTS)
