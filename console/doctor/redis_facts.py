"""What Redis says of itself; a managed one may keep its configuration to itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import redis

from console.doctor.facts import RedisFacts


def redis_facts(client: redis.Redis, *, by_sentinels: bool = False) -> RedisFacts:
    """Read INFO and, where that is allowed, the configuration.

    Args:
        client: The Redis.
        by_sentinels: Whether Sentinels name it.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    began = time.monotonic()
    client.ping()
    seconds = time.monotonic() - began
    info: Mapping[str, Any] = client.info()
    is_valkey = "valkey_version" in info
    return RedisFacts(
        program="Valkey" if is_valkey else "Redis",
        version=str(info["valkey_version"] if is_valkey else info.get("redis_version", "")),
        is_replica=info.get("role") in {"slave", "replica"},
        append_only=bool(int(info.get("aof_enabled", 0))),
        append_fsync=_configured(client, "appendfsync"),
        append_well=info.get("aof_last_write_status", "ok") == "ok",
        policy=str(info.get("maxmemory_policy", "")),
        memory_bytes=int(info.get("used_memory", 0)),
        memory_maximum_bytes=int(info.get("maxmemory", 0)),
        seconds=seconds,
        by_sentinels=by_sentinels,
        replicas=int(info.get("connected_slaves", 0)),
        least_replicas=_number(_configured(client, "min-replicas-to-write")),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _configured(client: redis.Redis, name: str) -> str:
    try:
        answer: Any = client.config_get(name)
    except redis.ResponseError:
        return ""
    return str(answer.get(name, ""))
