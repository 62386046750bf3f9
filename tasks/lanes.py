"""The lanes in which notifications wait: each has its own queue and its own part of the due-set."""

from __future__ import annotations

from typing import Final, Literal

Lane = Literal["high", "normal", "files", "low"]
#: In the order in which workers serve them.
LANES: Final = ("high", "normal", "files", "low")
