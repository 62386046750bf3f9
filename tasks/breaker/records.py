"""What the breaker answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

BreakerState = Literal["closed", "open", "half_open", "paused"]

_WORDS: Final[Mapping[BreakerState, str]] = MappingProxyType(
    {
        "open": "passed over until a test finds it well",
        "half_open": "passed over while it is tested",
        "paused": "paused",
    }
)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a server may be used now.

    Attributes:
        state: The server's state.
        reason: Why it may not, in words without addresses; blank where it may.
        now_ms: Redis' time of the answer, in Unix milliseconds.
        again_at_ms: When it is worth asking again; now where it may be used.
        probe_due: Whether somebody should take its test now.
        misconfigured: Whether only an operator can cure what keeps it from being used.
        success_is_news: Whether a completed transaction is to be reported; else that would change nothing.
    """

    state: BreakerState
    reason: str
    now_ms: int
    again_at_ms: int
    probe_due: bool
    misconfigured: bool = False
    success_is_news: bool = True

    @property
    def allowed(self) -> bool:
        """Whether mail may be sent by this server."""
        return self.state == "closed"

    @property
    def words(self) -> str:
        """Why it may not be used, as one line for an operator; blank where it may."""
        return f"{_WORDS[self.state]}: {self.reason}" if not self.allowed else ""

    @property
    def wait_seconds(self) -> float:
        """Until it is worth asking again."""
        return max(self.again_at_ms - self.now_ms, 0) / 1000


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report led to.

    Attributes:
        state: The server's state now.
        moved: Whether this very attempt opened or closed the breaker: whoever sees it announces that.
    """

    state: BreakerState
    moved: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """The answer to who may sign in.

    Attributes:
        allowed: Whether this worker may, now.
        everybody: Whether a sign-in has succeeded, so that nobody needs to ask for this server again.
        wait_seconds: Where not allowed: when to ask again, from now.
    """

    allowed: bool
    everybody: bool
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server as the operator sees it. Times are Unix milliseconds, None where there is none.

    Attributes:
        name: One of the four server names, as last reported; blank where nothing was reported yet.
        fingerprint: The server under its account.
        state: Its state.
        since_ms: Since when.
        reason: Of the pause, or of the last failure while it counts; words without addresses.
        failures: Failures in a row, failed tests included.
        next_probe_ms: When an open server is tested next.
        last_success_ms: Of a transaction or test, to within some seconds.
        last_failure_ms: Of an attempt or test.
        paused_by: Who paused it, or blank.
        paused_until_ms: When the pause ends by itself.
        misconfigured: Whether it is left alone for what only an operator can cure.
        last_failure_reason: Why that attempt or test failed, also once it is over; words without addresses.
    """

    name: str
    fingerprint: str
    state: BreakerState
    since_ms: int | None
    reason: str
    failures: int
    next_probe_ms: int | None
    last_success_ms: int | None
    last_failure_ms: int | None
    paused_by: str
    paused_until_ms: int | None
    misconfigured: bool = False
    last_failure_reason: str = ""
