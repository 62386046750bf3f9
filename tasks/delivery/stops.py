"""Why a pass stops before its chain is at an end, as one tree.

PassStopped
├── ClaimLost        the claim went to somebody else; nothing more is to be done here
├── OptionsChanged   the options are newer than those the pass went by: it is routed anew
└── NotToBeSent      the ledger does not allow the text; no dot left this process
"""

from __future__ import annotations


class PassStopped(Exception):
    """Base of what stops a pass."""


class ClaimLost(PassStopped):
    """The ledger gave the claim to somebody else, or ended it."""


class OptionsChanged(PassStopped):
    """Somebody saved options since the pass read them."""


class NotToBeSent(PassStopped):
    """The ledger refused the intent.

    Attributes:
        answer: Why: over, cancelled, expired or settled.
    """

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer
