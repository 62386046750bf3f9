"""Where accounts, roles and tokens live: one small book in Redis, read and replaced as a whole.

`<prefix>:access` is a hash: `stamp` (random, new with each change) and `book` (JSON).
`<prefix>:access:used` is a hash of when accounts and tokens were last used, in Unix milliseconds.
All times are those of Redis' clock.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import redis

from settings_store.access.book import Book
from settings_store.audit import audit_key, row_fields
from settings_store.errors import DamagedSettings, SettingsError
from settings_store.history import instant
from settings_store.logs import EventLog

_SAVE: Final = (Path(__file__).with_name("lua") / "save.lua").read_text(encoding="utf-8")
_RACES_MAXIMUM: Final = 100
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(Book)

_log = EventLog(__name__)


class Told(NamedTuple):
    """What the audit keeps of a change: who, from where, what, to what, and more about it."""

    by: str
    source: str
    action: str
    target: str
    detail: Mapping[str, Any] = {}


class KeptBook:
    """The book of one installation; threads may share it.

    Every method raises `redis.RedisError` where Redis does not answer.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._key = f"{prefix}:access"
        self._used_key = f"{prefix}:access:used"
        self._audit_key = audit_key(prefix)
        self._save = client.register_script(_SAVE)
        self._last: tuple[str, Book] = ("", Book())

    def read(self) -> tuple[Book, datetime]:
        """The book and the time, in one round trip; in two after a change.

        Raises:
            DamagedSettings: What Redis holds was not written by us.
        """
        _, book, now = self._stamped()
        return book, now

    def change(self, edit: Callable[[Book, datetime], Book], told: Told) -> None:
        """Replace the book by an edited one, and write the audit's row with it, in one step.

        Where another change was saved meanwhile the edit is made anew, so a rule that it holds to holds.
        """
        row = row_fields(
            told.by, told.action, told.target, outcome="done", detail=told.detail, source=told.source
        )
        flat = [part for pair in row.items() for part in pair]
        new = secrets.token_hex(8)
        for _ in range(_RACES_MAXIMUM):
            stamp, book, now = self._stamped()
            text = _ENCODER.encode(edit(book, now)).decode()
            if self._save(keys=[self._key, self._audit_key], args=[stamp, new, text, *flat]):
                _log.info("access_changed", action=told.action)
                return
        raise SettingsError("others change the accounts at the same moment; nothing was saved, try again")

    def use(self, name: str, now: datetime, *, exact_to: timedelta = timedelta()) -> None:
        """Keep that `account:anna` or `token:<id>` was used, unless that is known closely enough.

        A full Redis keeps it not, and lets people in all the same.
        """
        now_ms = int(now.timestamp() * 1000)
        if exact_to:
            last: Any = self._redis.hget(self._used_key, name)
            if last is not None and now_ms - int(last) < exact_to.total_seconds() * 1000:
                return
        with contextlib.suppress(redis.exceptions.OutOfMemoryError):
            self._redis.hset(self._used_key, name, now_ms)

    def last_used(self) -> dict[str, datetime]:
        """When accounts (`account:anna`) and tokens (`token:<id>`) were last used."""
        used: Any = self._redis.hgetall(self._used_key)
        return {name: instant(int(at)) for name, at in used.items()}

    def forget_use(self, name: str) -> None:
        """Keep nothing about an account or token that is gone."""
        self._redis.hdel(self._used_key, name)

    def _stamped(self) -> tuple[str, Book, datetime]:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(self._key, "stamp")
            pipe.time()
            stamp, (seconds, microseconds) = pipe.execute()
        now = datetime.fromtimestamp(seconds, tz=UTC) + timedelta(microseconds=microseconds)
        last = self._last
        if last[0] != (stamp or ""):
            stamp, text = self._redis.hmget(self._key, ["stamp", "book"])
            last = (str(stamp or ""), _read(str(text or "")))
            self._last = last
        return (*last, now)


def _read(text: str) -> Book:
    """The book from text. An error carries nothing of it: it holds hashes."""
    try:
        return _DECODER.decode(text) if text else Book()
    except (msgspec.MsgspecError, ValueError):
        pass
    raise DamagedSettings("what Redis holds as the accounts was not written by this program")
