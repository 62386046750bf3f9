"""Where the token of an application lies in Redis, sealed, for all workers.

<prefix>:oauth:<application>:token      the token, until it runs out
<prefix>:oauth:<application>:fault      why none was issued, for a moment
<prefix>:oauth:<application>:fetching   who is asking for one

All of it is read and written by scripts: a full Redis refuses transactions, and must stop no mail that was
accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import redis
from redis.lock import Lock

from settings_store.cipher import Cipher
from settings_store.errors import SecretFault
from settings_store.sealed_places import SealedKeys
from tasks.oauth.fetching import FreshToken
from tasks.server import OAuth
from tasks.transports.failure import TokenFailure

#: Longer than any fetch takes: the lock of a worker that died is free after it.
LOCK_SECONDS: Final = 30.0
_FOLDER: Final = "oauth"
_READ: Final = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}"
#: The first write of each is never refused for memory, and then none after it is.
_WRITE: Final = """
redis.call('DEL', KEYS[2])
if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
"""
_NOTE: Final = """
redis.call('DEL', KEYS[1])
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
"""
_LOCK: Final = """
redis.call('DEL', KEYS[1] .. ':-')
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token that was issued before.

    Attributes:
        text: What is sent.
        left_seconds: How long it still holds.
        age_seconds: How long ago it was issued.
    """

    text: str = field(repr=False)
    left_seconds: float
    age_seconds: float


class _Kept(msgspec.Struct):
    """What is sealed."""

    token: str
    lifetime_ms: int


class _Fault(msgspec.Struct):
    """A `TokenFailure`, written down."""

    reason: str
    transient: bool
    retry_after_seconds: int | None


class _TokenLock(Lock):
    """The library's, which a full Redis gives too."""

    def do_acquire(self, token: str) -> bool:
        """Whether it is ours now."""
        taken: Any = self.redis.register_script(_LOCK)(
            keys=[self.name], args=[token, int(LOCK_SECONDS * 1000)]
        )
        return bool(taken)


class KeptTokens:
    """The token of each application; raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        cipher: Seals and opens, as the keys are now.
        prefix: First part of every key.
    """

    def __init__(self, client: redis.Redis, cipher: Callable[[], Cipher], *, prefix: str) -> None:
        self._redis = client
        self._cipher = cipher
        self._prefix = f"{prefix}:{_FOLDER}"
        self._read: Any = client.register_script(_READ)
        self._write: Any = client.register_script(_WRITE)
        self._note: Any = client.register_script(_NOTE)

    def read(self, sign_in: OAuth) -> KeptToken | None:
        """The token, or None where there is none that this process can open."""
        name = _name(sign_in)
        sealed, left_ms = self._read(keys=[f"{self._prefix}:{name}:token"])
        if not isinstance(sealed, str):
            return None
        try:
            kept = msgspec.json.decode(self._cipher().open(_bound_to(name), sealed), type=_Kept)
        except (SecretFault, msgspec.MsgspecError):
            return None  # sealed with a key that is gone, or by another version: a new one is as good
        return KeptToken(kept.token, left_ms / 1000, (kept.lifetime_ms - left_ms) / 1000)

    def write(self, sign_in: OAuth, fresh: FreshToken) -> None:
        """Keep a token until it runs out, and forget why there was none.

        Raises:
            settings_store.errors.SecretFault: This process has no key to seal it with.
        """
        name = _name(sign_in)
        lifetime_ms = fresh.lifetime_seconds * 1000
        kept = msgspec.json.encode(_Kept(fresh.text, lifetime_ms)).decode()
        sealed = self._cipher().seal(_bound_to(name), kept)
        keys = [f"{self._prefix}:{name}:{each}" for each in ("token", "fault")]
        self._write(keys=keys, args=[sealed, lifetime_ms])

    def drop(self, sign_in: OAuth) -> None:
        """Forget the token."""
        self._redis.delete(f"{self._prefix}:{_name(sign_in)}:token")

    def fault(self, sign_in: OAuth) -> TokenFailure | None:
        """Why none was issued a moment ago."""
        kept: Any = self._redis.get(f"{self._prefix}:{_name(sign_in)}:fault")
        if kept is None:
            return None
        told = msgspec.json.decode(kept, type=_Fault)
        return TokenFailure(
            told.reason, transient=told.transient, retry_after_seconds=told.retry_after_seconds
        )

    def note(self, sign_in: OAuth, failure: TokenFailure, *, seconds: float) -> None:
        """Have everybody hear of this failure for so long, instead of asking again."""
        told = _Fault(str(failure), failure.transient, failure.retry_after_seconds)
        self._note(
            keys=[f"{self._prefix}:{_name(sign_in)}:fault"],
            args=[msgspec.json.encode(told), int(seconds * 1000)],
        )

    def lock(self, sign_in: OAuth) -> Lock:
        """What is held by who asks for a token; not waited for."""
        lock: Lock = self._redis.lock(
            f"{self._prefix}:{_name(sign_in)}:fetching",
            timeout=LOCK_SECONDS,
            blocking=False,
            thread_local=False,
            lock_class=_TokenLock,
        )
        return lock


def sealed_tokens(client: redis.Redis, prefix: str) -> SealedKeys:
    """The tokens, for a key rotation."""
    begin = f"{prefix}:{_FOLDER}:"
    return SealedKeys(
        client,
        title="tokens of OAuth",
        pattern=f"{begin}*:token",
        bound_to=lambda key: _bound_to(key.removeprefix(begin).removesuffix(":token")),
    )


def _name(sign_in: OAuth) -> str:
    """Another secret is another name, so that no token outlives the secret that it was issued for."""
    return hashlib.sha256("\0".join(sign_in.application).encode()).hexdigest()[:32]


def _bound_to(name: str) -> str:
    return f"oauth:{name}"
