"""The limits: how much all workers together send by one mailbox on one host, decided in Redis.

Messages per minute: a message goes now, or gets a time of its own at which it may go. Connections at once:
each is a slot under a lease; while a worker without one waits, others close theirs after a message.

Our own limit is no failure: whoever must wait spends no try, and goes to no other server for it.
"""

from tasks.limits.account import account_of
from tasks.limits.allowance import Allowance, allowance_for
from tasks.limits.connection_lines import Line, is_line, line_for, lines_of, server_of_line
from tasks.limits.far_turns import FAR_SECONDS, far_turn, is_of_limits, of_other_limits
from tasks.limits.limits import Limits
from tasks.limits.pace import Pace, pace_of
from tasks.limits.records import Granted, LimitsChanged, Renewed, Slot, Wait, new_holder
from tasks.limits.usage import Usage, Usages

__all__ = [
    "FAR_SECONDS",
    "Allowance",
    "Granted",
    "Limits",
    "LimitsChanged",
    "Line",
    "Pace",
    "Renewed",
    "Slot",
    "Usage",
    "Usages",
    "Wait",
    "account_of",
    "allowance_for",
    "far_turn",
    "is_line",
    "is_of_limits",
    "line_for",
    "lines_of",
    "new_holder",
    "of_other_limits",
    "pace_of",
    "server_of_line",
]
