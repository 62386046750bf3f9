"""Who did what to this installation, when and from where: rows that are added and never changed.

`<prefix>:audit` is a stream in Redis. A change of the options writes its row in the same script as the
revision; everybody else calls `Audit.record`. Rows go when they are older than the option `audit.days`.

Redis itself can be told to delete rows: whoever may write to it directly is trusted (docs/security.md).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import redis

from settings_store.audit_row import (
    ACTION,
    OUTCOMES,
    TEXT_MAXIMUM_CHARACTERS,
    Outcome,
    Row,
    Wanted,
    bounded,
    read_row,
)

_RECORD: Final = Path(__file__).with_name("audit_record.lua").read_text(encoding="utf-8")
#: How many rows are read at once while some are looked for.
_CHUNK_ROWS: Final = 500
#: How many rows one trimming takes away at most, so that Redis is never busy for long.
TRIM_MAXIMUM_ROWS: Final = 10_000
_SECONDS_A_DAY: Final = 86_400
_MILLISECONDS_PER_SECOND: Final = 1000


def audit_key(prefix: str) -> str:
    """Where the audit of an installation lies in Redis."""
    return f"{prefix}:audit"


class Audit:
    """Writes and reads the audit of one installation; threads may share it.

    Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        redis: A client with `decode_responses`.
        prefix: First part of every key in Redis.
    """

    def __init__(self, redis: redis.Redis, *, prefix: str = "notify") -> None:
        self._redis = redis
        self._key = audit_key(prefix)
        self._record_script = redis.register_script(_RECORD)

    def record(
        self,
        actor: str,
        action: str,
        target: str = "",
        *,
        outcome: Outcome = "done",
        detail: Mapping[str, Any] | None = None,
        source: str = "",
    ) -> str:
        """Add a row, once however often the client has to ask; its id.

        It is written also where Redis has no memory left for anything else.

        Args:
            actor: Who; see `Row` for the forms.
            action: What, as `noun.verb`.
            target: To what.
            outcome: How it ended.
            detail: More about it. Never a secret, a recipient's address or the text of a message: say which
                option, which id and how many instead.
            source: From where.

        Raises:
            ValueError: The action or the outcome is none; a fault of the caller.
        """
        if not ACTION.fullmatch(action):
            raise ValueError(f"{action!r} is no action: write noun.verb")
        if outcome not in OUTCOMES:
            raise ValueError(f"{outcome!r} is no outcome: it is one of {', '.join(OUTCOMES)}")
        row = row_fields(actor, action, target, outcome=outcome, detail=detail or {}, source=source)
        flat = [part for pair in row.items() for part in pair]
        return str(self._record_script(keys=[self._key], args=[secrets.token_hex(8), *flat]))

    def rows(self, wanted: Wanted | None = None, *, oldest_first: bool = False) -> Iterator[Row]:
        """The rows that somebody asks for, newest first unless asked otherwise; read as they are taken.

        Raises:
            DamagedSettings: A row was not written by us.
        """
        wanted = wanted or Wanted()
        low, high = _entry_id(wanted.since, "-"), _entry_id(wanted.until, "+")
        while True:
            entries: Any = (
                self._redis.xrange(self._key, low, high, count=_CHUNK_ROWS)
                if oldest_first
                else self._redis.xrevrange(self._key, high, low, count=_CHUNK_ROWS)
            )
            for entry_id, fields in entries:
                row = read_row(entry_id, fields)
                if wanted.includes(row):
                    yield row
            if len(entries) < _CHUNK_ROWS:
                return
            last = f"({entries[-1][0]}"
            low, high = (last, high) if oldest_first else (low, last)

    def trim(self, *, days: int) -> int:
        """Take away rows older than so many days, by the clock of Redis; how many.

        At most `TRIM_MAXIMUM_ROWS` go in one call; the next call goes on. It reads none, so that a user of
        Redis who may read none can be let do it.
        """
        answer: Any = self._redis.time()
        oldest = (answer[0] - days * _SECONDS_A_DAY) * _MILLISECONDS_PER_SECOND
        # Bounded, and by whole pieces of the stream; what is old is then within one piece, which is small.
        removed: Any = self._redis.xtrim(self._key, minid=oldest, limit=TRIM_MAXIMUM_ROWS)
        if removed == 0:
            removed = self._redis.xtrim(self._key, minid=oldest, approximate=False)
        return int(removed)


def row_fields(
    actor: str, action: str, target: str, *, outcome: str, detail: Mapping[str, Any], source: str
) -> dict[str, str]:
    """The fields of a row as they are stored, in their order."""
    return {
        "actor": actor[:TEXT_MAXIMUM_CHARACTERS],
        "source": source[:TEXT_MAXIMUM_CHARACTERS],
        "action": action,
        "target": target[:TEXT_MAXIMUM_CHARACTERS],
        "outcome": outcome,
        "detail": json.dumps(bounded(detail)),
    }


def _entry_id(moment: datetime | None, otherwise: str) -> str:
    # No row is older than 1970, and no id of Redis' is below 0.
    return str(max(int(moment.timestamp() * _MILLISECONDS_PER_SECOND), 0)) if moment else otherwise
