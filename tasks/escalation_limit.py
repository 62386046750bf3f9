"""How many e-mails are followed by a text to the default list in ten minutes, for all workers together.

An outage makes hundreds of mails late at once; who is on call needs the first of them, and to know that there
are more.
"""

from __future__ import annotations

from typing import Final

import redis

from tasks.lua_scripts import REDIS_CLOCK
from tasks.strands import aside

WINDOW_MINUTES: Final = 10
_WINDOW_MS: Final = WINDOW_MINUTES * 60_000

# ARGV: prefix, id of the e-mail, limit, window ms. DEL comes first: Redis then refuses no write for memory.
_TAKE: Final = """
local key, now, id = prefix .. ':escalations', now_ms(), 'id ' .. ARGV[2]
redis.call('DEL', prefix .. ':-')
if now - tonumber(redis.call('HGET', key, 'since') or '0') >= tonumber(ARGV[4]) then
  redis.call('DEL', key)
  redis.call('HSET', key, 'since', now)
  redis.call('PEXPIRE', key, ARGV[4])
end
local place = redis.call('HGET', key, id)
if place then return tonumber(place) end
local taken = redis.call('HLEN', key) - 1
if taken <= tonumber(ARGV[3]) then redis.call('HSET', key, id, taken) end
return taken
"""


class EscalationLimit:
    """Counts them. One object a process; safe between threads.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
    """

    def __init__(self, client: redis.Redis, *, prefix: str = "notify", clock: str = REDIS_CLOCK) -> None:
        self._prefix = prefix
        self._take = client.register_script(f"local prefix = ARGV[1]\n{clock}\n{_TAKE}")

    def place(self, email_id: str, *, limit: int) -> int:
        """Which of the ten minutes' late e-mails this is, from 0; the same where it is asked again.

        Below the limit it has a text of its own. At the limit its text says that there are more. Above, the
        place is that of whoever asks, and no text goes.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return int(aside(lambda: self._take(args=[self._prefix, email_id, limit, _WINDOW_MS])))
