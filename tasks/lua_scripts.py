"""A folder of Lua scripts for Redis, each of them after what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import redis

from tasks.redis_question import Question
from tasks.round_trip import UnderWay, round_trips

T = TypeVar("T")

#: Redis' own time decides, so that workers whose clocks are minutes apart agree. Tests put another here.
REDIS_CLOCK: Final = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""


class LuaScripts:
    """The scripts, ready to run. The first argument of each is the key prefix.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        folder: Where `<name>.lua` are, and `prelude.lua`, which stands before each.
        names: Of the scripts.
        clock: Lua that defines `now_ms`.
        constants: Lua that stands before all else.

    Attributes:
        trips: What they are run by.
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        folder: Path,
        names: Iterable[str],
        *,
        clock: str = REDIS_CLOCK,
        constants: str = "",
    ) -> None:
        self.trips = round_trips(client)
        self._prefix = prefix
        shared = "\n".join((constants, (folder / "prelude.lua").read_text(encoding="utf-8"), clock))
        bodies = {name: (folder / f"{name}.lua").read_text(encoding="utf-8") for name in names}
        self._scripts = {name: client.register_script(f"{shared}\n{body}") for name, body in bodies.items()}

    def run(self, name: str, *arguments: str | int | bytes) -> Any:
        """Run one script; raises `redis.RedisError` where Redis cannot or will not."""
        return self.trips.run_one(self._scripts[name], (self._prefix, *arguments))

    def begin(self, name: str, *arguments: str | int | bytes) -> UnderWay:
        """Send one script, whose answer is taken later; raises `redis.RedisError` where nothing was sent."""
        return self.trips.begin(self._scripts[name], (self._prefix, *arguments))

    def question(self, name: str, read: Callable[[Any], T], *arguments: str | int) -> Question[T]:
        """One script, to be asked beside another."""
        return Question(self._scripts[name], (self._prefix, *arguments), read)
