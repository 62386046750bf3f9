"""The Lua scripts of the limits: each is constants, prelude, clock and a body of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import redis

from tasks.limits.timing import LUA_CONSTANTS

_FOLDER: Final = Path(__file__).parent / "lua"

NAMES: Final = ("give_back", "release", "renew", "should_yield", "take", "usage")


class Scripts:
    """The scripts, ready to run. The first argument of each is the key prefix."""

    def __init__(self, client: redis.Redis, prefix: str, clock: str) -> None:
        self._prefix = prefix
        prelude = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
        self._scripts = {
            name: client.register_script(
                "\n".join(
                    [LUA_CONSTANTS, prelude, clock, (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")]
                )
            )
            for name in NAMES
        }

    def run(self, name: str, *arguments: str | int) -> Any:
        """Run one script; raises `redis.RedisError` where Redis cannot or will not."""
        return self._scripts[name](args=[self._prefix, *arguments])
