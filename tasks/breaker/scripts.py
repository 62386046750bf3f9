"""The Lua scripts of the breaker."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import redis

from tasks.breaker.timing import LUA_CONSTANTS
from tasks.lua_scripts import LuaScripts

_FOLDER: Final = Path(__file__).parent / "lua"

NAMES: Final = (
    "allows",
    "list",
    "may_sign_in",
    "pause",
    "probed",
    "release",
    "report",
    "resume",
    "signed_in",
    "take_probe",
)


class Scripts(LuaScripts):
    """Those that `NAMES` says; they know how long the breaker waits for what."""

    def __init__(self, client: redis.Redis, prefix: str, clock: str) -> None:
        super().__init__(client, prefix, _FOLDER, NAMES, clock=clock, constants=LUA_CONSTANTS)
