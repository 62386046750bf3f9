"""The names under which notifications wait for turns that are far off: another limit brings them nearer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.limits.account import account_of
from tasks.limits.allowance import Allowance, allowance_for
from tasks.limits.connection_lines import lines_of
from tasks.routing import servers_in_use

#: Who has its turn sooner comes at that time, whatever becomes of the limit meanwhile.
FAR_SECONDS: Final = 30.0
#: No fingerprint of a server begins so; the ledger's scripts know it too.
_FIRST: Final = "limit-"


def far_turn(account: str, allowance: Allowance) -> str:
    """The name for all turns that an account's limit of messages led to."""
    return f"{_FIRST}{account}-{allowance.messages_per_minute}"


def of_other_limits(names: Collection[str], snapshot: Snapshot) -> list[str]:
    """Which of these names, of turns or of lines for connections, the limits of today did not lead to."""
    ours = [name for name in names if is_of_limits(name)]
    if not ours:
        return []
    today = {far_turn(account_of(each), allowance_for(snapshot, each)) for each in servers_in_use(snapshot)}
    return [name for name in ours if name not in today and name not in lines_of(snapshot)]


def is_of_limits(name: str) -> bool:
    """Whether something waits under a name for a limit of ours, and for no server."""
    return name.startswith(_FIRST)
