"""The Lua scripts of the ledger: each is the shared prelude, the clock and a body of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import redis

from tasks.redis_question import Question

T = TypeVar("T")

_FOLDER: Final = Path(__file__).parent / "lua"

#: Redis' own time decides, so that workers whose clocks are minutes apart agree. Tests put another here.
REDIS_CLOCK: Final = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

NAMES: Final = (
    "accept",
    "cancel",
    "claim",
    "counts",
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


class Scripts:
    """The scripts, ready to run. The first argument of each is the key prefix."""

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        clock: str = REDIS_CLOCK,
        *,
        only: Sequence[str] = NAMES,
    ) -> None:
        self._client = client
        self._prefix = prefix
        prelude = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
        bodies = {name: (_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in only}
        self._scripts = {
            name: client.register_script(f"{prelude}\n{clock}\n{body}") for name, body in bodies.items()
        }

    def run(self, name: str, *arguments: str | int) -> Any:
        """Run one script; raises `redis.RedisError` where Redis cannot or will not."""
        return self._scripts[name](args=[self._prefix, *arguments])

    def question(self, name: str, read: Callable[[Any], T], *arguments: str | int) -> Question[T]:
        """One script, to be asked beside another."""
        return Question(self._scripts[name], (self._prefix, *arguments), read)

    def run_many(self, name: str, calls: list[tuple[str | int, ...]]) -> list[Any]:
        """Run one script for each call in one round trip; an error stands in the place of its answer."""
        script = self._scripts[name]
        answers = self._pipelined(script.sha, calls)
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            self._client.script_load(script.script)
            answers = self._pipelined(script.sha, calls)
        return answers

    def _pipelined(self, sha: str, calls: list[tuple[str | int, ...]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for arguments in calls:
            pipeline.evalsha(sha, 0, self._prefix, *map(str, arguments))
        return pipeline.execute(raise_on_error=False)
