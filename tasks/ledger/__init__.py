"""The ledger: the state machine of every notification, in Redis.

It is the truth; messages of the broker are only bells. Each transition is one atomic Lua script on Redis' own
clock, and each may be asked again after a lost reply. The states are

    queued, sending, waiting, held                                        not final: in the due-set
    delivered, partial, uncertain, failed, expired, cancelled             final

`docs/ledger.md` draws the transitions; `prelude.lua` holds the rules that all of them share.
"""

from tasks.lanes import LANES
from tasks.ledger.accepting import Bell, LedgerUnavailable
from tasks.ledger.ledger import Ledger
from tasks.ledger.message_filter import MessageFilter
from tasks.ledger.queries import LedgerQueries
from tasks.ledger.records import (
    DEAD_LETTERS,
    FINAL_STATES,
    OPEN_STATES,
    STATES,
    Accepted,
    Claim,
    Entry,
    Intent,
    NotClaimed,
    Priority,
    Replay,
    Replayed,
    Results,
    State,
    Sweep,
)

__all__ = [
    "DEAD_LETTERS",
    "FINAL_STATES",
    "LANES",
    "OPEN_STATES",
    "STATES",
    "Accepted",
    "Bell",
    "Claim",
    "Entry",
    "Intent",
    "Ledger",
    "LedgerQueries",
    "LedgerUnavailable",
    "MessageFilter",
    "NotClaimed",
    "Priority",
    "Replay",
    "Replayed",
    "Results",
    "State",
    "Sweep",
]
