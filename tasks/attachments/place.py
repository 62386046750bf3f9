"""Where a path leads: to a network share, or to a file of the worker's machine."""

from __future__ import annotations

import enum


class Place(enum.Enum):
    """The kinds of place that a path can name."""

    SHARE = "share"
    LOCAL = "local"


def place_of(path: str) -> Place | None:
    """By its first characters; None for a relative path or one with a drive letter, which no worker knows."""
    if len(path) > 1 and all(character in "\\/" for character in path[:2]):
        return Place.SHARE
    return Place.LOCAL if path.startswith("/") else None
