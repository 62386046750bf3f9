"""Times of the ledger that several of its transitions go by."""

from __future__ import annotations

from typing import Final

#: A bell that nobody answered, because the broker forgot it, is rung again after this.
RING_AGAIN_SECONDS: Final = 30.0


def milliseconds(seconds: float) -> int:
    """Seconds as the scripts count them."""
    return int(seconds * 1000)
