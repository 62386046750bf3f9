"""What asking for a test raises of its own, as one tree; Redis' own errors pass through unchanged.

LiveTestError
├── InvalidDraft (ValueError)   the draft cannot be tested; the message names field, fault and what is allowed
└── TestNotTaken                the broker did not take it, or no worker did; nothing was tested
"""

from __future__ import annotations


class LiveTestError(Exception):
    """Base of everything that asking for a test raises."""


class InvalidDraft(LiveTestError, ValueError):
    """The draft cannot be tested; the message names field, fault and what is allowed."""


class TestNotTaken(LiveTestError):
    """Nobody takes the test; nothing was tested."""

    # It is an error, whatever its name looks like to pytest.
    __test__ = False
