"""What the breaker raises of its own, as one tree; Redis' own errors pass through unchanged.

BreakerError
├── InvalidPause (ValueError)   a pause without a reason, by nobody, or for no time
└── SignInAwaited               another worker makes the first sign-in to this server, or it may not be used
"""

from __future__ import annotations


class BreakerError(Exception):
    """Base of everything this room raises."""


class InvalidPause(BreakerError, ValueError):
    """The pause cannot be taken; the message names field, fault and what is allowed."""


class SignInAwaited(BreakerError):
    """Nothing was tried; come back.

    Attributes:
        wait_seconds: When to ask again, from now.
    """

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("another worker makes the first sign-in")
        self.wait_seconds = wait_seconds
