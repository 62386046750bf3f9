"""The Lua scripts of the breaker: each is constants, prelude, clock and a body of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import redis

from tasks.breaker.timing import LUA_CONSTANTS
from tasks.redis_question import Question

T = TypeVar("T")

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

    def question(self, name: str, read: Callable[[Any], T], *arguments: str | int) -> Question[T]:
        """One script, to be asked beside another."""
        return Question(self._scripts[name], (self._prefix, *arguments), read)
