"""Which files fit into a mail by one server: as many as can be, in the order they were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Room:
    """What a server takes.

    Attributes:
        server: Its name in words.
        total_bytes: Most bytes of all attachments together as sent; 0 = it takes none.
        number: Most attachments; 0 = it takes none.
        parts_bytes: What its own limit on a message leaves for attachments, heads included; None = no limit.
        message_bytes: That limit on a message, for the words.
    """

    server: str
    total_bytes: int
    number: int
    parts_bytes: int | None = None
    message_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """A file as sent.

    Attributes:
        body_bytes: In base64, line ends included.
        part_bytes: The same with everything that stands around it in the mail.
    """

    body_bytes: int
    part_bytes: int


def fit(sizes: Iterable[Size], room: Room) -> list[str]:
    """For each file, in order, nothing where it goes along, and why it does not where it does not.

    A file that does not fit makes room for the smaller ones behind it.
    """
    told = []
    total_bytes = parts_bytes = number = 0
    for size in sizes:
        why = _refusal(size, room, total_bytes, parts_bytes, number)
        told.append(why)
        if not why:
            total_bytes += size.body_bytes
            parts_bytes += size.part_bytes
            number += 1
    return told


def _refusal(size: Size, room: Room, total_bytes: int, parts_bytes: int, number: int) -> str:
    if room.total_bytes == 0 or room.number == 0:
        return f"{room.server} takes no attachments"
    if number >= room.number:
        return f"{room.server} takes no more than {_counted(room.number)}"
    if total_bytes + size.body_bytes > room.total_bytes:
        limit = megabytes(room.total_bytes)
        return f"too large, {room.server} takes {limit} of attachments, and as sent it has {_as_sent(size)}"
    if room.parts_bytes is not None and parts_bytes + size.part_bytes > room.parts_bytes:
        limit = megabytes(room.message_bytes)
        return f"too large, {room.server} takes mails of {limit}, and as sent it has {_as_sent(size)}"
    return ""


def _counted(number: int) -> str:
    return "1 attachment" if number == 1 else f"{number} attachments"


def _as_sent(size: Size) -> str:
    return megabytes(size.body_bytes)


def megabytes(size_bytes: int) -> str:
    """A size in words, 1 MB being 1,048,576 bytes."""
    if size_bytes < 1024:  # noqa: PLR2004  # the next unit
        return f"{size_bytes} bytes"
    if size_bytes < MEGABYTE:
        return f"{size_bytes / 1024:.0f} kB"
    return f"{size_bytes / MEGABYTE:.1f} MB".replace(".0 MB", " MB")
