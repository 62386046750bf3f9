"""One row of the audit, and which rows somebody asks for: values alone, no Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, get_args

from settings_store.errors import DamagedSettings
from settings_store.kinds import MASK, SEALED

#: `done`: it holds. `refused`: the actor had no right to it, or did not prove who it is. `failed`: it was
#: allowed and did not work.
Outcome = Literal["done", "refused", "failed"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

#: `noun.verb`, as the command line has them: `options.change`, `message.replay`, `server.pause`.
ACTION: Final = re.compile(r"[a-z_]+\.[a-z_]+")
#: Longer texts are cut: a row tells what happened, it is no copy of it.
TEXT_MAXIMUM_CHARACTERS: Final = 4000
#: More entries of one list or mapping are counted instead.
ENTRIES_MAXIMUM: Final = 200
_MILLISECONDS_PER_SECOND: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """Something that was done, or tried.

    Attributes:
        id: Its place in the audit, `<Unix milliseconds>-<number>`; rows of later events have greater ones.
        at: When, by the clock of Redis.
        actor: Who: an account (`anna`), a token (`token:reports`), a user of the operating system at a host
            (`root@batch1`), or a part of this program (`worker:celery@batch1`).
        source: From where: `cli batch1`, `web 10.1.2.3`; may be blank.
        action: What, as `noun.verb`.
        target: To what: an option, a message's id, a server, an account; may be blank.
        outcome: How it ended.
        detail: More about it, by name; never a secret, a recipient's address or the text of a message.
    """

    id: str
    at: datetime
    actor: str
    source: str
    action: str
    target: str
    outcome: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows somebody asks for; what is blank or None asks for nothing.

    Attributes:
        actor: The actor; `*` stands for any characters.
        action: The action, in whole (`options.change`), by its noun (`options`), or with `*`.
        target: The target; `*` stands for any characters. An option is found in a change of several, too.
        outcome: How it ended.
        since: Not before.
        until: Not after.
    """

    actor: str = ""
    action: str = ""
    target: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def includes(self, row: Row) -> bool:
        """Whether the row is asked for; the times are not looked at again."""
        return (
            _like(row.actor, self.actor)
            and (_like(row.action, self.action) or row.action.startswith(f"{self.action}."))
            and any(_like(target, self.target) for target in _targets(row))
            and self.outcome in {"", row.outcome}
        )


def read_row(entry_id: str, fields: Mapping[str, str]) -> Row:
    """A row as it lies in Redis.

    Raises:
        DamagedSettings: It is not one of ours.
    """
    try:
        milliseconds = int(entry_id.partition("-")[0])
        return Row(
            id=entry_id,
            at=datetime.fromtimestamp(milliseconds / _MILLISECONDS_PER_SECOND, tz=UTC),
            actor=fields["actor"],
            source=fields["source"],
            action=fields["action"],
            target=fields["target"],
            outcome=fields["outcome"],
            detail=dict(json.loads(fields["detail"])),
        )
    except (ValueError, TypeError, KeyError):
        pass
    raise DamagedSettings("the audit holds a row that was not written by this program")


def bounded(value: Any) -> Any:
    """A detail as it may be kept: sealed values masked, long texts cut, long lists counted.

    A sealed value is no secret without its key; it has no place in an export all the same.
    """
    match value:
        case str():
            if SEALED.match(value):
                return MASK
            return value if len(value) <= TEXT_MAXIMUM_CHARACTERS else f"{value[:TEXT_MAXIMUM_CHARACTERS]}…"
        case Mapping():
            kept = {str(key): bounded(each) for key, each in list(value.items())[:ENTRIES_MAXIMUM]}
            more = len(value) - len(kept)
            return {**kept, "…": f"{more} more"} if more else kept
        case list() | tuple() | set() | frozenset():
            entries = [bounded(each) for each in list(value)[:ENTRIES_MAXIMUM]]
            more = len(value) - len(entries)
            return [*entries, f"… {more} more"] if more else entries
        case None | bool() | int() | float():
            return value
    return bounded(str(value))


def _like(text: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]"))


def _targets(row: Row) -> tuple[str, ...]:
    """The target, and each option of a change of several."""
    changes = row.detail.get("changes")
    return (row.target, *changes) if isinstance(changes, Mapping) else (row.target,)
