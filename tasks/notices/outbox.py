"""What is announced and what waits to be told, in Redis.

`<prefix>:notices` is a hash of what stands announced, `<prefix>:notices:outbox` one of incidents by id,
`<prefix>:notices:progress` one of how far each was told, `<prefix>:undelivered` the list that the ledger's
scripts keep of what ended without everybody having it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import redis

from tasks.lua_scripts import REDIS_CLOCK
from tasks.notices.announced import Announced
from tasks.notices.incident import Incident

_FOLDER: Final = Path(__file__).parent / "lua"
_COLLECTED_AT_ONCE: Final = 5_000
#: Longer than a round takes, its posts included.
LOCK_SECONDS: Final = 60
#: After a round no worker makes another for so long, so that fifty workers look as often as one.
REST_MS: Final = 1_500
#: These begin with a write that is never refused for memory: that Redis is full is among what is told.
_LOCK: Final = """
redis.call('DEL', KEYS[1] .. ':-')
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) and 1 or 0
"""
_KEEP: Final = """
redis.call('DEL', KEYS[1] .. ':-')
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
"""
_UNLOCK: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


class Progress(msgspec.Struct):
    """How far an incident was told.

    Attributes:
        accepted: Whether its notifications are in the ledger.
        tries: How often it was posted in vain.
        again_at_ms: When it is posted again.
    """

    accepted: bool = False
    tries: int = 0
    again_at_ms: int = 0


class Outbox:
    """Reads and writes it. All calls raise `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
        rest_ms: How long after a round the next one may begin.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = "notify",
        clock: str = REDIS_CLOCK,
        rest_ms: int = REST_MS,
    ) -> None:
        self._redis = client
        self._prefix = prefix
        self._key = f"{prefix}:notices"
        self._rest_ms = rest_ms
        self._announce = client.register_script((_FOLDER / "announce.lua").read_text(encoding="utf-8"))
        self._collect = client.register_script(
            f"local prefix = ARGV[1]\n{clock}\n{(_FOLDER / 'collect.lua').read_text(encoding='utf-8')}"
        )
        self._now = client.register_script(f"local prefix = ARGV[1]\n{clock}\nreturn now_ms()")
        self._lock = client.register_script(_LOCK)
        self._keep = client.register_script(_KEEP)
        self._unlock = client.register_script(_UNLOCK)

    def now_ms(self) -> int:
        """Redis' time."""
        return int(self._now(args=[self._prefix]))

    def lock(self, token: str) -> bool:
        """Whether this worker makes the round; economy alone, each step is safe without it."""
        return bool(self._lock(keys=[f"{self._key}:lock"], args=[token, LOCK_SECONDS]))

    def unlock(self, token: str) -> None:
        """Let the next worker make a round, after a rest."""
        self._unlock(keys=[f"{self._key}:lock"], args=[token, self._rest_ms])

    def announced(self) -> tuple[Announced, str]:
        """What stands announced, and the same as it is kept."""
        raw = str(self._redis.hget(self._key, "announced") or "")
        return (msgspec.json.decode(raw, type=Announced) if raw else Announced()), raw

    def announce(self, before: str, after: Announced, incidents: Sequence[Incident]) -> bool:
        """Change what stands announced and take in the incidents; False where another worker was first."""
        arguments = [self._prefix, before, msgspec.json.encode(after).decode()]
        for incident in incidents:
            arguments += [incident.id, msgspec.json.encode(incident).decode()]
        return bool(self._announce(args=arguments))

    def collect(self, incident_id: str, *, collect_ms: int, quiet_ms: int, tell: bool) -> int:
        """Take in one incident for all undelivered ones, when it is time; of how many it tells."""
        arguments: list[str | int] = [
            self._prefix,
            incident_id,
            collect_ms,
            quiet_ms,
            int(tell),
            _COLLECTED_AT_ONCE,
        ]
        return int(self._collect(args=arguments))

    def waiting(self) -> list[Incident]:
        """What is still to be told, oldest first."""
        found = self._redis.hvals(f"{self._key}:outbox")
        incidents = [msgspec.json.decode(str(each), type=Incident) for each in found]
        return sorted(incidents, key=lambda incident: incident.at_ms)

    def progress(self, incident: Incident) -> Progress:
        """How far an incident was told."""
        raw = self._redis.hget(f"{self._key}:progress", incident.id)
        return msgspec.json.decode(str(raw), type=Progress) if raw else Progress()

    def keep(self, incident: Incident, progress: Progress) -> None:
        """Keep how far an incident was told."""
        words = msgspec.json.encode(progress).decode()
        self._keep(keys=[f"{self._key}:progress"], args=[incident.id, words])

    def done(self, incident: Incident) -> None:
        """Forget an incident that was told."""
        self._redis.hdel(f"{self._key}:outbox", incident.id)
        self._redis.hdel(f"{self._key}:progress", incident.id)
