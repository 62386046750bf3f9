"""How many sign-ins failed lately, counted over all processes: guessing must not pay, nor lock people out.

Five tries for an account and twenty for an address are free; each one after that waits longer than the
last. An account's wait is 15 min at most, so whoever guesses at a name does not shut its owner out for good;
`notify account unlock` ends it at once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import redis

_FOLDER: Final = Path(__file__).with_name("lua")
ACCOUNT_FREE_TRIES: Final = 5
SOURCE_FREE_TRIES: Final = 20
FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 15 * 60_000
#: Tries are forgotten once none was made for so long.
REMEMBERED_MS: Final = 60 * 60_000


class Tries:
    """The tries of one installation. Names and addresses are hashed: the keys hold neither."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._base = f"{prefix}:access:tries"
        self._take = client.register_script((_FOLDER / "take_try.lua").read_text(encoding="utf-8"))
        self._give_back = client.register_script((_FOLDER / "give_back_try.lua").read_text(encoding="utf-8"))

    def take(self, account: str, source: str) -> float:
        """Count a try; the seconds to wait where it may not be made now, else 0."""
        waits = (FIRST_WAIT_MS, LONGEST_WAIT_MS)
        arguments = (ACCOUNT_FREE_TRIES, *waits, SOURCE_FREE_TRIES, *waits, REMEMBERED_MS)
        return int(self._take(keys=self._keys(account, source), args=arguments)) / 1000

    def succeeded(self, account: str, source: str) -> None:
        """The try that was just counted was good."""
        self._give_back(keys=self._keys(account, source))

    def forget(self, account: str) -> bool:
        """Let an account be tried again at once; whether it had tries."""
        return bool(self._redis.delete(self._key("account", account)))

    def first_within(self, what: str, seconds: int) -> bool:
        """Whether this did not happen lately: what floods is written down once, and never in a full Redis."""
        try:
            return bool(self._redis.set(self._key("told", what), "1", nx=True, ex=seconds))
        except redis.exceptions.OutOfMemoryError:
            return False

    def _keys(self, account: str, source: str) -> list[str]:
        return [self._key("account", account), self._key("source", source)]

    def _key(self, kind: str, name: str) -> str:
        return f"{self._base}:{kind}:{hashlib.sha256(name.lower().encode()).hexdigest()[:32]}"
