"""What was announced, and what is to be announced next: a pure function of how things stand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from settings_store.secret_expiry import SecretExpiry
from tasks.fallback import Condition, Link, Standing
from tasks.notices.incident import Incident

_RANK: Final[Mapping[Condition, int]] = {"unset": 0, "well": 0, "fallback": 1, "down": 2}
_FORGET_AFTER_MS: Final = 48 * 3_600_000


class Announced(msgspec.Struct, omit_defaults=True):
    """What was told last, for all workers.

    Attributes:
        conditions: By channel.
        since_ms: Since when the channel is not well, as announced.
        needing: Servers that were told to need a person: the name of each, by its fingerprint.
        told_ms: When something of each sort was told last.
        expiries: Warnings of secrets that were told: option, last day and stage.
        held: Whether it was told that notifications are held.
        backlog_since_ms: Since when the backlog stands that was told of; 0 where none was.
    """

    conditions: dict[str, Condition] = {}
    since_ms: dict[str, int] = {}
    needing: dict[str, str] = {}
    told_ms: dict[str, int] = {}
    expiries: list[str] = []
    held: bool = False
    backlog_since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What is held because no server is configured for it.

    Attributes:
        count: How many notifications; 0 while nothing came.
        reason: Which option is missing.
    """

    count: int
    reason: str


def next_announcements(
    announced: Announced,
    standings: Iterable[Standing],
    *,
    now_ms: int,
    quiet_ms: int,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Announced, list[Incident]]:
    """What stands announced from now on, and the incidents to tell.

    What gets worse is told once within the quiet time of its sort, later if it is still so then; what gets
    better is told at once.
    """
    conditions, since_ms = dict(announced.conditions), dict(announced.since_ms)
    told_ms = {sort: at for sort, at in announced.told_ms.items() if now_ms - at < _FORGET_AFTER_MS}
    incidents: list[Incident] = []

    def may_tell(sort: str) -> bool:
        return now_ms - told_ms.get(sort, -quiet_ms) >= quiet_ms

    for standing in standings:
        channel = standing.channel
        old = conditions.get(channel, "well")
        new = standing.condition
        if new == old:
            continue
        sort = f"{channel} {new}"
        if _RANK[new] > _RANK[old]:
            if not may_tell(sort):
                continue
            told_ms[sort] = now_ms
        conditions[channel] = new
        begun = since_ms.setdefault(channel, now_ms)
        if _RANK[new] == 0:
            since_ms.pop(channel)
        if new != "unset" and _RANK[old] != _RANK[new]:
            incidents.append(_of_channel(standing, new_id(), now_ms, old, (now_ms - begun) / 1000))
    after = msgspec.structs.replace(announced, conditions=conditions, since_ms=since_ms, told_ms=told_ms)
    return after, incidents


def next_held(
    announced: Announced,
    held: Held | None,
    *,
    now_ms: int,
    quiet_ms: int,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Announced, list[Incident]]:
    """What stands announced from now on, and the incident where notifications are held for want of a server.

    Args:
        announced: What stands announced.
        held: What is held; None where each channel has a server, which ends what was told.
        now_ms: Redis' time.
        quiet_ms: How long after such an incident no other is told.
        new_id: Makes ids.
    """
    if held is None:
        return msgspec.structs.replace(announced, held=False), []
    told_at_ms = announced.told_ms.get("held", now_ms - quiet_ms)
    if announced.held or not held.count or now_ms - told_at_ms < quiet_ms:
        return announced, []
    told_ms = announced.told_ms | {"held": now_ms}
    facts = {"count": held.count, "reason": held.reason}
    after = msgspec.structs.replace(announced, held=True, told_ms=told_ms)
    return after, [Incident(new_id(), "held", now_ms, facts)]


def next_expiries(
    announced: Announced,
    expiring: Iterable[SecretExpiry],
    *,
    now_ms: int,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Announced, list[Incident]]:
    """What stands announced from now on, and an incident for each secret that came closer to its last day.

    Each is told once for each of the days before, and once it is over. What is not due any more is forgotten,
    so that another last day is told of anew.
    """
    due = {f"{each.option} {each.last_day} {each.stage}": each for each in expiring}
    incidents = [
        Incident(
            new_id(),
            "secret_expiry",
            now_ms,
            {"option": each.option, "days_left": each.days_left, "words": each.words},
        )
        for told, each in due.items()
        if told not in announced.expiries
    ]
    return msgspec.structs.replace(announced, expiries=sorted(due)), incidents


def _reason(link: Link) -> str:
    """Why a server is left alone; of a pause not the operator's own words, which may hold anything."""
    return "an operator paused it" if link.state == "paused" else link.reason


def _of_channel(standing: Standing, new_id: str, now_ms: int, old: Condition, seconds: float) -> Incident:
    servers = [[link.server, link.state, _reason(link)] for link in standing.links]
    facts: dict[str, Any] = {
        "channel": standing.channel,
        "server": standing.links[0].server,
        "servers": servers,
    }
    match standing.condition:
        case "fallback":
            facts |= {"carrier": standing.carrier, "reason": _reason(standing.links[0])}
            return Incident(new_id, "fallback", now_ms, facts)
        case "down":
            return Incident(new_id, "all_down", now_ms, facts | {"reason": _reason(standing.links[0])})
        case _:
            facts |= {"carrier": standing.carrier, "was": old, "seconds": seconds}
            return Incident(new_id, "recovered", now_ms, facts)
