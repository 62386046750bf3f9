"""Where the options live: one hash in Redis, changed by whole revisions, each with its row of history.

`<prefix>:settings` is a hash: `revision` (a number), `values` (JSON, only what differs from its default)
and `marks` (JSON, who set each of those and when). `<prefix>:settings:history` is a list of revisions,
newest first. Every revision also writes a row of the audit (see `audit`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from settings_store.audit import audit_key, row_fields
from settings_store.catalog import ALL_OPTIONS, selected
from settings_store.cautions import cautions
from settings_store.change import Change, after_change, difference
from settings_store.cipher import Cipher
from settings_store.entry import entered
from settings_store.errors import (
    DamagedSettings,
    InvalidValue,
    StaleRevision,
    UnknownRevision,
)
from settings_store.history import Mark, Pair, Revision, instant, masked, read_row, rewind
from settings_store.keyring import Keys
from settings_store.kinds import Refused, Value, check_text
from settings_store.logs import EventLog
from settings_store.snapshot import Snapshot

#: Enough for years of changes by people; a script that changes options every minute is cut off after a week.
HISTORY_MAXIMUM_REVISIONS = 10_000
AUTHOR_MAXIMUM_CHARACTERS = 200
REASON_MAXIMUM_CHARACTERS = 2000

_SAVE = Path(__file__).with_name("save_revision.lua").read_text(encoding="utf-8")
#: How often a change without an expected revision is made anew when others save at the same moment.
_RACES_MAXIMUM = 100
_TOLD_REVISIONS_MAXIMUM = 10
#: How many rows of history are read at first, where it is not known how many are needed.
_PAGE_REVISIONS = 32

_log = EventLog(__name__)

#: From the options as they are to the values that somebody wants, in stored form.
_Edit = Callable[[Snapshot], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class _Words:
    """What is kept about a change besides its values."""

    action: str
    author: str
    reason: str
    change_id: str = field(default_factory=lambda: secrets.token_hex(8))


class SettingsStore:
    """Reads and changes the options of one installation.

    It keeps no state that matters, so threads may share it, and it may be made before a fork.
    Every method raises `redis.RedisError` where Redis does not answer; a change may then be repeated.

    Args:
        redis: A client with `decode_responses`.
        prefix: First part of every key in Redis; secrets are bound to it too.
        keyring: Seals and opens secrets. Without one everything but secrets works.
        source: From where changes are made, for the audit: `cli batch1`, `web 10.1.2.3`.
    """

    def __init__(
        self,
        redis: redis.Redis,
        *,
        prefix: str = "notify",
        keyring: Keys | None = None,
        source: str = "",
    ) -> None:
        self._redis = redis
        self._key = f"{prefix}:settings"
        self._history_key = f"{prefix}:settings:history"
        self._audit_key = audit_key(prefix)
        self._source = source
        self._cipher = Cipher(keyring, prefix)
        self._save_script = redis.register_script(_SAVE)
        self._last: tuple[tuple[str | None, ...], Snapshot] | None = None

    @property
    def revision_key(self) -> str:
        """The hash whose field `revision` is the current revision (absent = 0); other scripts compare it."""
        return self._key

    @property
    def cipher(self) -> Cipher:
        """Seals values for pasting into this installation."""
        return self._cipher

    def snapshot(self) -> Snapshot:
        """The options as they hold now, in one round trip.

        Raises:
            DamagedSettings: What Redis holds was not written by us.
        """
        fields = self._redis.hmget(self._key, ["revision", "values"])
        raw = tuple(None if field is None else str(field) for field in fields)
        last = self._last
        if last is not None and last[0] == raw:
            return last[1]
        revision = raw[0] or "0"
        if not revision.isdecimal():
            raise DamagedSettings("what Redis holds as the revision was not written by this program")
        snapshot = Snapshot(int(revision), _read_values(raw[1]), self._cipher)
        self._last = (raw, snapshot)
        return snapshot

    def change(
        self,
        values: Mapping[str, object],
        *,
        author: str,
        reason: str = "",
        expected_revision: int | None = None,
        dry_run: bool = False,
        action: str = "options.change",
    ) -> Change:
        """Set options, all of them or none, as one revision; what differs in nothing makes no revision.

        Calling it again with the same values is harmless. Setting an option to its default clears it.

        Args:
            values: By option: a Python value, or text as typed. Secrets as `Cipher.seal_for_pasting` made
                them, client secrets also plain; blank clears a secret.
            author: Who changes.
            reason: Why.
            expected_revision: The revision that the change was made from; it is refused where another holds.
                Without it the change is laid over whatever holds.
            dry_run: Check everything, tell what would change, and save nothing.
            action: What the audit calls it.

        Raises:
            InvalidOption: A name or value is not allowed.
            SecretFault: A secret cannot be saved here.
            StaleRevision: Somebody else saved after `expected_revision`.
        """
        words = _Words(action, author, reason)
        return self._change(lambda before: entered(values, before), words, expected_revision, dry_run=dry_run)

    def reset(
        self,
        names: Iterable[str],
        *,
        author: str,
        reason: str = "",
        expected_revision: int | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Set options back to their defaults, as one revision.

        Args:
            names: Options, whole groups, or `all`.
            author: Who changes.
            reason: Why.
            expected_revision: As in `change`.
            dry_run: As in `change`.

        Raises:
            UnknownOption: A name is neither option nor group.
            StaleRevision: Somebody else saved after `expected_revision`.
        """
        defaults = {key: ALL_OPTIONS[key].default for name in names for key in selected(name)}
        words = _Words("options.reset", author, reason)
        return self._change(lambda _: defaults, words, expected_revision, dry_run=dry_run)

    def rollback(
        self,
        revision: int,
        *,
        author: str,
        reason: str = "",
        expected_revision: int | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Set every option back to what it was at a revision, as a new revision; secrets too.

        The arguments are those of `change`.

        Raises:
            UnknownRevision: There was no such revision, or the history no longer reaches it.
            StaleRevision: Somebody else saved after `expected_revision`.
        """

        def edit(before: Snapshot) -> dict[str, Value]:
            then = self._at(revision, before)
            return {key: then.own(key) for key in ALL_OPTIONS}

        words = _Words("options.rollback", author, reason)
        return self._change(edit, words, expected_revision, dry_run=dry_run)

    def at(self, revision: int) -> Snapshot:
        """The options as they held at a revision, for a diff or before a rollback.

        Raises:
            UnknownRevision: There was no such revision, or the history no longer reaches it.
        """
        return self._at(revision, self.snapshot())

    def history(self, limit: int = 50) -> list[Revision]:
        """The last revisions, newest first."""
        rows = self._redis.lrange(self._history_key, 0, limit - 1) if limit > 0 else []
        return [read_row(str(row)) for row in rows]

    def changed(self) -> dict[str, Mark]:
        """Who set each option that now differs from its default, and when.

        An option that a mirror lays over is not here: its primary is.
        """
        fields = self._redis.hmget(self._key, ["values", "marks"])
        raw = [None if field is None else str(field) for field in fields]
        marks = json.loads(raw[1] or "{}")
        return {
            key: Mark(marks[key][0], instant(marks[key][1]))
            for key in _read_values(raw[0])
            if key in ALL_OPTIONS and key in marks
        }

    def _change(self, edit: _Edit, words: _Words, expected: int | None, *, dry_run: bool) -> Change:
        _check_words(words.author, words.reason)
        for _ in range(_RACES_MAXIMUM):
            before = self.snapshot()
            changes = difference(before, edit(before))
            if expected is not None and before.revision != expected:
                self._refuse_stale(expected, before.revision, words.author if not changes else None)
            after = after_change(before, changes)
            warnings = cautions(after, changes)
            if dry_run or not changes:
                return Change(before.revision, saved=False, changes=masked(changes), warnings=warnings)
            revision = self._save(before.revision, after, changes, words)
            if revision is not None:
                _log.info("settings_changed", revision=revision, options=sorted(changes))
                return Change(revision, saved=True, changes=masked(changes), warnings=warnings)
        raise StaleRevision(before.revision, self.snapshot().revision, self._told(before.revision))

    def _save(
        self, made_from: int, after: Snapshot, changes: Mapping[str, Pair], words: _Words
    ) -> int | None:
        """The new revision, or None where another was saved meanwhile."""
        row = {
            "author": words.author,
            "reason": words.reason,
            "change_id": words.change_id,
            "changes": changes,
        }
        saved, revision = self._save_script(
            keys=[self._key, self._history_key, self._audit_key],
            args=[
                made_from,
                json.dumps(dict(after.stored), sort_keys=True),
                json.dumps(row).removeprefix("{"),
                words.author,
                json.dumps([key for key in changes if key in after.stored]),
                json.dumps([key for key in changes if key not in after.stored]),
                HISTORY_MAXIMUM_REVISIONS,
                *self._audited(changes, words),
            ],
        )
        if saved:
            return int(revision)
        # The client repeats a call whose reply was lost: then it is our own row that is in the way.
        own = [row.revision for row in self._since(made_from) if row.change_id == words.change_id]
        return own[0] if own else None

    def _audited(self, changes: Mapping[str, Pair], words: _Words) -> list[str]:
        """The audit's row as the script takes it: the detail, still without the revision, then the rest."""
        detail = {"reason": words.reason, "changes": masked(changes)}
        target = next(iter(changes)) if len(changes) == 1 else f"{len(changes)} options"
        row = row_fields(
            words.author, words.action, target, outcome="done", detail=detail, source=self._source
        )
        rest = {"mark": words.change_id, **row}
        return [
            rest.pop("detail").removeprefix("{"),
            *(part for pair in rest.items() for part in pair),
        ]

    def _refuse_stale(self, expected: int, actual: int, asked_by: str | None) -> None:
        """Raise, unless this is a repeat: all is as asked, and nobody but the asker saved in between."""
        between = self._since(expected)
        complete = 0 < actual - expected <= len(between)
        if asked_by is not None and complete and all(row.author == asked_by for row in between):
            return
        raise StaleRevision(expected, actual, self._told(expected))

    def _told(self, revision: int) -> tuple[str, ...]:
        return tuple(row.line for row in self._since(revision)[:_TOLD_REVISIONS_MAXIMUM])

    def _since(self, revision: int) -> list[Revision]:
        """The revisions saved after one, newest first, as far as the history reaches."""
        limit = _PAGE_REVISIONS
        while True:
            rows = self.history(limit)
            if len(rows) < limit or rows[-1].revision <= revision:
                return [row for row in rows if row.revision > revision]
            limit *= 4

    def _at(self, revision: int, now: Snapshot) -> Snapshot:
        later = [row for row in self._since(revision) if row.revision <= now.revision]
        if not 0 <= revision <= now.revision or len(later) != now.revision - revision:
            raise UnknownRevision(revision, now.revision)
        return Snapshot(revision, rewind(now.stored, later), self._cipher)


def _read_values(raw: str | None) -> dict[str, Value]:
    try:
        values = json.loads(raw or "{}")
        for key, value in values.items():
            if key in ALL_OPTIONS and type(value) is not type(ALL_OPTIONS[key].default):
                raise DamagedSettings(f"{key}: what Redis holds for it is of another kind than ours")
    except (ValueError, AttributeError):
        values = None
    if values is None:
        raise DamagedSettings("what Redis holds as the settings was not written by this program")
    return dict(values)


def _check_words(author: str, reason: str) -> None:
    """Refuse an author or a reason that could not be shown in one line."""
    limits = {"author": (author, AUTHOR_MAXIMUM_CHARACTERS), "reason": (reason, REASON_MAXIMUM_CHARACTERS)}
    for name, (words, maximum) in limits.items():
        fault = "is blank" if name == "author" and not words.strip() else ""
        try:
            check_text(words, maximum_characters=maximum)
        except Refused as refused:
            fault = str(refused)
        if fault:
            raise InvalidValue(name, fault, f"one line of at most {maximum} characters")
