"""Servers that need a person: each told once, and once when it is in use again. A pure function."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import msgspec

from tasks.fallback import Link, Standing
from tasks.notices.announced import Announced
from tasks.notices.incident import Incident


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """A server that only a person can cure."""

    server: str
    fingerprint: str
    reason: str


def next_needing(
    announced: Announced,
    standings: Iterable[Standing],
    misconfigured: Iterable[Misconfigured],
    proven: Collection[str],
    *,
    now_ms: int,
    quiet_ms: int,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Announced, list[Incident]]:
    """What stands announced from now on, and the incidents to tell.

    One that no chain has any more is not told of: whoever took it out knows. One whose options were changed
    is another server, and a try may be as wrong as the one before: it is told to be in use once something
    went out by it, or nothing bad was heard of it for the quiet time.

    Args:
        announced: What stands announced.
        standings: How each channel stands.
        misconfigured: The servers that need a person now.
        proven: Fingerprints of servers by which something went out.
        now_ms: Redis' time.
        quiet_ms: How long after it was told of a server nothing is told of the same one again.
        new_id: Makes ids.
    """
    links: dict[str, Link] = {link.server: link for each in standings for link in each.links}
    known = {each.fingerprint: each for each in misconfigured}
    told_ms = dict(announced.told_ms)
    needing: dict[str, str] = {}
    incidents: list[Incident] = []
    for fingerprint, server in announced.needing.items():
        link = links.get(server)
        if fingerprint in known:
            needing[fingerprint] = server
        elif link is not None and link.fingerprint not in known:
            changed = link.fingerprint != fingerprint
            unproven = changed and link.fingerprint not in proven
            early = unproven and now_ms - told_ms.get(_sort(fingerprint), 0) < quiet_ms
            if link.state != "closed" or early:
                needing[fingerprint] = server
                continue
            facts = {"server": server, "proven": not unproven}
            incidents.append(Incident(new_id(), "misconfigured_over", now_ms, facts))
    for fingerprint, each in known.items():
        quiet = now_ms - told_ms.get(_sort(fingerprint), -quiet_ms) < quiet_ms
        if fingerprint not in needing and not quiet:
            told_ms[_sort(fingerprint)] = now_ms
            needing[fingerprint] = each.server
            facts = {"server": each.server, "reason": each.reason}
            incidents.append(Incident(new_id(), "misconfigured", now_ms, facts))
    return msgspec.structs.replace(announced, needing=needing, told_ms=told_ms), incidents


def _sort(fingerprint: str) -> str:
    return f"misconfigured {fingerprint}"
