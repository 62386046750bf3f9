"""The ledger's index, compared with what the records themselves say."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import redis

from tasks.ledger import FINAL_STATES
from tasks.search_terms import TERM_CHARACTERS

_FINAL = frozenset(map(str, FINAL_STATES))


def index_kept(client: redis.Redis, prefix: str = "notify") -> dict[str, Any]:
    """Every key of the index with what it holds: sorted sets with their scores."""
    kept: dict[str, Any] = {}
    for kind in ("list", "by"):
        for key in client.scan_iter(f"{prefix}:{kind}:*"):
            kept[key] = dict(_any(client.zrange(key, 0, -1, withscores=True)))
    for key in client.scan_iter(f"{prefix}:numbers:*"):
        kept[key] = _any(client.hgetall(key))
    for key in client.scan_iter(f"{prefix}:ready:*"):
        # Since when is the ledger's alone to know.
        kept[key] = dict.fromkeys(map(str, client.zrange(key, 0, -1)), True)
    kept[f"{prefix}:lists"] = _any(client.smembers(f"{prefix}:lists"))
    kept[f"{prefix}:finished"] = dict(_any(client.zrange(f"{prefix}:finished", 0, -1, withscores=True)))
    return kept


def index_told(client: redis.Redis, prefix: str = "notify") -> dict[str, Any]:
    """The same, as it follows from the records."""
    told: dict[str, Any] = defaultdict(dict)
    lists = set()
    told[f"{prefix}:finished"] = {}
    for key in client.scan_iter(f"{prefix}:n:*"):
        record = _any(client.hgetall(key))
        number, accepted_at = record["number"], float(record["accepted_at"])
        resent = [int(place) for place in record.get("resent", "").strip(",").split(",") if place]
        twice = "twice" if any(record["outcomes"][place] == "d" for place in resent) else ""
        parts = (record["state"], record["channel"], record["priority"], record.get("servers", ""), twice)
        lists.add("|".join(parts))
        told[f"{prefix}:list:{'|'.join(parts)}"][number] = accepted_at
        terms = record.get("terms", "")
        for at in range(0, len(terms), TERM_CHARACTERS):
            told[f"{prefix}:by:{terms[at : at + TERM_CHARACTERS]}"][number] = accepted_at
        told[f"{prefix}:numbers:{int(number) // 100}"][str(int(number) % 100)] = key.removeprefix(
            f"{prefix}:n:"
        )
        if record["state"] == "queued":
            told[f"{prefix}:ready:{record['priority']}"][number] = True
        if record["state"] in _FINAL:
            told[f"{prefix}:finished"][number] = float(record["finished_at"])
    told[f"{prefix}:lists"] = lists
    return dict(told)


def _any(value: Any) -> Any:
    """What the client's types leave open."""
    return value
