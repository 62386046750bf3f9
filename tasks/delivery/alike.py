"""Refusals that say the same, told once: a mail to a thousand may be refused by three replies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tasks.transports.reply import Reply
from tasks.verdict import Verdict

#: What stands in a reply in the place of an address, where it is told of several.
_ADDRESS = "recipient"


class Refused(NamedTuple):
    """What a server said of one recipient.

    Attributes:
        place: In the envelope.
        address: As the server was told it.
        verdict: What it means.
        reason: In words of ours.
        reply: What it said; None where the address was not even sent.
    """

    place: int
    address: str
    verdict: Verdict
    reason: str
    reply: Reply | None


class Told(NamedTuple):
    """What is told of those of whom the same was said."""

    indexes: tuple[int, ...]
    verdict: Verdict
    reason: str
    reply: Reply | None


def alike(refused: Iterable[Refused]) -> list[Told]:
    """Those of whom the same was said together, in the order of the first of each.

    Replies that differ by the recipient's own address alone say the same; told of one, a reply stands as it
    is.
    """
    groups: dict[tuple[Verdict, str, Reply | None], list[Refused]] = {}
    for each in refused:
        groups.setdefault((each.verdict, each.reason, _without(each.address, each.reply)), []).append(each)
    return [
        Told(
            tuple(each.place for each in group),
            verdict,
            reason,
            shared if len(group) > 1 else group[0].reply,
        )
        for (verdict, reason, shared), group in groups.items()
    ]


def _without(address: str, reply: Reply | None) -> Reply | None:
    if reply is None:
        return None
    return replace(reply, text=re.sub(re.escape(address), _ADDRESS, reply.text, flags=re.IGNORECASE))
