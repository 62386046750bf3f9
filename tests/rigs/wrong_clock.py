"""A process whose calendar is wrong, while its timers are not."""

from __future__ import annotations

from typing import TypedDict

from tests.rigs.faketime_redis import require_libfaketime


class WrongClock(TypedDict):
    """Variables of the process' environment."""

    LD_PRELOAD: str
    FAKETIME: str
    FAKETIME_DONT_FAKE_MONOTONIC: str


def wrong_clock(seconds: int) -> WrongClock:
    """For a process whose clock is so far ahead; negative where it is behind."""
    return WrongClock(
        LD_PRELOAD=str(require_libfaketime()),
        FAKETIME=f"{seconds:+d}",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
