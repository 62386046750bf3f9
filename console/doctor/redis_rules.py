"""What Redis must be and do, so that what was accepted is never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from console.doctor.facts import Facts, RedisFacts
from console.doctor.finding import Finding

LEAST_VERSION: Final = (6, 2)
#: Above this share nothing more is accepted (see `tasks.ledger`).
FULL_PERCENT: Final = 85
NEARLY_FULL_PERCENT: Final = 70
SLOW_SECONDS: Final = 0.1

_CONFIG: Final = "`redis-cli CONFIG SET {setting}`, and the same in redis.conf"


def redis_findings(facts: Facts) -> Iterator[Finding]:
    """Version, durability and memory."""
    known = facts.redis
    if known is None:
        return
    yield _version(known)
    if known.is_replica:
        yield Finding(
            "redis.role",
            "error",
            "NOTIFY_REDIS_URL names a replica",
            "a replica takes no writes: nothing is accepted or delivered",
            "name its primary in NOTIFY_REDIS_URL",
        )
    yield _persistence(known)
    if not known.append_well:
        yield Finding(
            "redis.append_file",
            "error",
            "the last write to the append-only file failed",
            "what is accepted now may not be on disk, and Redis may refuse writes",
            "look at the disk's space and rights, and at the server's log",
        )
    if known.by_sentinels:
        yield _failover(known)
    yield _policy(known)
    yield _memory(known)
    if known.seconds > SLOW_SECONDS:
        yield Finding(
            "redis.speed",
            "warn",
            f"Redis took {known.seconds * 1000:.0f} ms to answer",
            "each step of each notification asks Redis",
            "run it near the workers, and look at `redis-cli SLOWLOG GET`",
        )


def _version(known: RedisFacts) -> Finding:
    numbers = tuple(int(part) for part in re.findall(r"\d+", known.version)[:2])
    what = f"{known.program} {known.version}"
    if numbers and numbers < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        return Finding(
            "redis.version",
            "error",
            f"{what} is too old",
            f"commands that are needed came with {least}",
            f"install {least} or newer; the data stays",
        )
    return Finding("redis.version", "ok", what)


def _persistence(known: RedisFacts) -> Finding:
    check = "redis.persistence"
    if not known.append_only:
        return Finding(
            check,
            "error",
            "appendonly is off",
            "a restart of Redis loses everything since the last snapshot: a trial lost 6,003 of 6,003",
            _CONFIG.format(setting="appendonly yes"),
        )
    match known.append_fsync:
        case "always":
            return Finding(check, "ok", "every write is on disk before it is answered")
        case "everysec":
            return Finding(
                check,
                "warn",
                "appendfsync is everysec",
                "a machine that loses power, or its kernel, loses about the last second of what was accepted",
                _CONFIG.format(setting="appendfsync always"),
            )
        case "no":
            return Finding(
                check,
                "warn",
                "appendfsync is no",
                "a machine that goes down loses what the kernel had not written yet: up to half a minute",
                _CONFIG.format(setting="appendfsync always"),
            )
    return Finding(
        check,
        "warn",
        "Redis does not tell its appendfsync",
        "unless it is always, a machine that goes down loses the last of what was accepted",
        "look into its configuration, or let this user run `CONFIG GET appendfsync`",
    )


def _failover(known: RedisFacts) -> Finding:
    check = "redis.failover"
    followed = "1 replica follows" if known.replicas == 1 else f"{known.replicas} replicas follow"
    if not known.replicas:
        return Finding(
            check,
            "error",
            "no replica follows the primary",
            "if it dies, nobody takes its place with what was accepted",
            "start its replicas, and see in their logs why they do not follow",
        )
    if known.least_replicas == 0:
        return Finding(
            check,
            "warn",
            f"{followed}, and the primary takes writes without them",
            "cut off from them it goes on accepting what is thrown away once another is the primary",
            f"{_CONFIG.format(setting='min-replicas-to-write 1')}, of each; min-replicas-max-lag 10 too",
        )
    return Finding(
        check, "ok", f"{followed}; a failover may lose the last moment: replication is asynchronous"
    )


def _policy(known: RedisFacts) -> Finding:
    check = "redis.eviction"
    if known.policy == "noeviction":
        return Finding(check, "ok", "nothing is evicted when memory is full")
    return Finding(
        check,
        "error" if known.memory_maximum_bytes else "warn",
        f"maxmemory-policy is {known.policy or 'not known'}",
        "once memory is full, Redis deletes notifications in silence",
        _CONFIG.format(setting="maxmemory-policy noeviction"),
    )


def _memory(known: RedisFacts) -> Finding:
    check = "redis.memory"
    used = f"{known.memory_bytes / 1_048_576:.0f} MB"
    if not known.memory_maximum_bytes:
        return Finding(
            check,
            "warn",
            f"{used} in use, and maxmemory is not set",
            "accepting is refused at 85 % of it, so that finishing always fits; without it the kernel may "
            "end Redis",
            _CONFIG.format(setting="maxmemory 512mb"),
        )
    percent = 100 * known.memory_bytes / known.memory_maximum_bytes
    what = f"{used} of {known.memory_maximum_bytes / 1_048_576:.0f} MB in use, {percent:.0f} %"
    if percent < NEARLY_FULL_PERCENT:
        return Finding(check, "ok", what)
    return Finding(
        check,
        "error" if percent >= FULL_PERCENT else "warn",
        what,
        f"above {FULL_PERCENT} % nothing more is accepted",
        f"{_CONFIG.format(setting='maxmemory MORE')}; fewer days in text.history_days free some",
    )
