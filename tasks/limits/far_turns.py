"""The names under which notifications wait for turns that are far off: another limit brings them nearer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.limits.account import account_of
from tasks.limits.allowance import Allowance, allowance_for
from tasks.routing import servers_in_use

#: Who has its turn sooner comes at that time, whatever becomes of the limit meanwhile.
FAR_SECONDS: Final = 30.0
#: No fingerprint of a server begins so; the ledger's scripts know it too.
_FIRST: Final = "limit-"


def far_turn(account: str, allowance: Allowance) -> str:
    """The name for all turns that an account's limit of messages led to."""
    return f"{_FIRST}{account}-{allowance.messages_per_minute}"


def of_other_limits(names: Collection[str], snapshot: Snapshot) -> list[str]:
    """Which of these names are turns that the limits of today did not lead to."""
    turns = [name for name in names if is_far_turn(name)]
    if not turns:
        return []
    today = {far_turn(account_of(each), allowance_for(snapshot, each)) for each in servers_in_use(snapshot)}
    return [name for name in turns if name not in today]


def is_far_turn(name: str) -> bool:
    """Whether a name is one of these, and no server's."""
    return name.startswith(_FIRST)
