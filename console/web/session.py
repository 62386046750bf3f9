"""Who has signed in and stays so: kept in Redis, known to the browser by a random id alone.

`<prefix>:session:<SHA-256 of the id>` is a hash: `account`, `credential` and `ends_at` (Unix milliseconds).
It goes with the idle time; `<…>:told` beside it is what the next page tells. Whoever reads Redis cannot take
a session over: the id is not there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import redis

from settings_store.access import Principal
from settings_store.snapshot import Snapshot

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
#: The idle time is kept to this, so that not every page writes.
_TOUCH_EXACT_TO_MS: Final = _MINUTE_MS
_TOLD_SECONDS: Final = 600

#: Both are written in a full Redis too, since their first write is one that is never refused for memory:
#: people must get in to see what fills it, and hear that what they did is done.
_BEGIN: Final = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'account', ARGV[1], 'credential', ARGV[2], 'ends_at', ARGV[3])
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""
_TELL: Final = """
redis.call('DEL', KEYS[1] .. ':-')
redis.call('RPUSH', KEYS[1], ARGV[1])
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""

Tone = Literal["done", "note", "fault"]


class Told(msgspec.Struct, frozen=True):
    """A sentence for the next page that somebody sees."""

    text: str
    tone: Tone = "done"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in.

    Attributes:
        id: What the browser keeps; never shown, logged or stored.
        account: Whose it is.
        credential: Of the password it was begun with; see `Doorkeeper.still`.
        ends_at_ms: When it is over, however busy.
        now_ms: Redis' time when it was read.
        told: What the next page tells.
    """

    id: str = field(repr=False)
    account: str
    credential: str = field(repr=False)
    ends_at_ms: int
    now_ms: int
    told: tuple[Told, ...] = ()

    @property
    def form_token(self) -> str:
        """What each of its forms carries, and no other site can know."""
        return form_token(self.id)

    @property
    def principal(self) -> Principal:
        """Whom to ask the doorkeeper about; holds no privilege by itself."""
        return Principal("account", self.account, frozenset(), self.credential)


class Sessions:
    """The sessions of one installation. Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix

    def begin(self, principal: Principal, options: Snapshot) -> Session:
        """A session for somebody who has just proved who they are, under an id of its own."""
        session_id = secrets.token_urlsafe(32)
        now_ms = _milliseconds(self._redis.time())
        ends_at_ms = now_ms + options.number("console.session_hours") * _HOUR_MS
        idle_ms = _idle_ms(options, ends_at_ms - now_ms)
        self._redis.register_script(_BEGIN)(
            keys=[self._key(session_id)],
            args=[principal.name, principal.credential, ends_at_ms, idle_ms],
        )
        return Session(session_id, principal.name, principal.credential, ends_at_ms, now_ms)

    def find(self, session_id: str) -> Session | None:
        """The session of an id; None where it is over or there never was one."""
        if not session_id:
            return None
        key = self._key(session_id)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(key)
            pipe.lrange(f"{key}:told", 0, -1)
            pipe.time()
            fields, told, clock = pipe.execute()
        now_ms = _milliseconds(clock)
        if not fields or int(fields["ends_at"]) <= now_ms:
            return None
        return Session(
            session_id,
            fields["account"],
            fields["credential"],
            int(fields["ends_at"]),
            now_ms,
            tuple(msgspec.json.decode(each, type=Told) for each in told),
        )

    def touch(self, session: Session, options: Snapshot) -> None:
        """Begin its idle time anew; one that ended meanwhile stays ended."""
        key = self._key(session.id)
        wanted_ms = _idle_ms(options, session.ends_at_ms - session.now_ms)
        left: Any = self._redis.pttl(key)
        if abs(wanted_ms - int(left)) >= _TOUCH_EXACT_TO_MS:
            self._redis.pexpire(key, max(1, wanted_ms))

    def end(self, session: Session) -> None:
        """End it, now."""
        key = self._key(session.id)
        self._redis.delete(key, f"{key}:told")

    def tell(self, session: Session, told: Told) -> None:
        """Keep a sentence for its next page."""
        self._redis.register_script(_TELL)(
            keys=[f"{self._key(session.id)}:told"], args=[msgspec.json.encode(told), _TOLD_SECONDS]
        )

    def heard(self, session: Session) -> None:
        """What was told was shown; what was added meanwhile is kept."""
        if session.told:
            self._redis.ltrim(f"{self._key(session.id)}:told", len(session.told), -1)

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}:session:{hashlib.sha256(session_id.encode()).hexdigest()}"


def form_token(secret: str) -> str:
    """The token of forms that belongs to a cookie's value."""
    return hmac.digest(secret.encode(), b"form", "sha256").hex()


def _idle_ms(options: Snapshot, left_ms: int) -> int:
    return min(options.number("console.idle_minutes") * _MINUTE_MS, left_ms)


def _milliseconds(clock: Any) -> int:
    return int(clock[0]) * 1000 + int(clock[1]) // 1000
