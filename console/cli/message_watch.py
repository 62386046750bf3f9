"""`notify message watch`: what happens, while it happens."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import click
import redis

from console.cli.errors import FAILED, BadInput
from console.cli.flags import as_json
from console.cli.message_filter_flags import filter_flags, filter_of
from console.cli.message_lookup import Desk, desk
from console.cli.output import say, tell
from console.cli.screen import Screen
from console.cli.watch_view import WatchView
from tasks.ledger import FINAL_STATES, MessageFilter
from tasks.ledger.changes import Change, Changes
from tasks.ledger.queries import Record

#: Shorter than the time that a client waits for a reply.
_WAIT_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 1.0


@click.command("watch")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@filter_flags
@as_json
def watch(*, ids: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Show what happens to notifications while it happens, a line for each thing, until Ctrl-C.

    With ids it ends once all of them are final: exit code 0 where all are delivered, else 1. With --json each
    line is one JSON object.
    """
    wanted = filter_of(given)
    if ids and not wanted.is_empty:
        raise BadInput("ID: stands beside a filter", "name ids, or use flags such as --state and --job")
    at = desk()
    # The place in the stream comes first, so that nothing happens between a look and the watch.
    changes = Changes(at.redis, prefix=at.prefix)
    watching = Watching(at, wanted, as_json=as_json)
    if not ids:
        tell("watching; Ctrl-C ends it")
        watching.follow(changes)
        return
    records = {(record := at.found(one)).number: record for one in ids}
    watching.only(records.values())
    watching.follow(changes)
    if any(state != "delivered" for state in watching.states.values()):
        raise click.exceptions.Exit(FAILED)


class Watching:
    """One watch: what is meant, what was shown, and how those stand that were named.

    Attributes:
        states: Of those that were named, by number.
    """

    def __init__(
        self, at: Desk, wanted: MessageFilter, *, as_json: bool, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._at = at
        self._wanted = wanted
        self._as_json = as_json
        self._pause = pause
        self._view = WatchView(Screen.of(sys.stdout), since_ms=at.now_ms)
        self.states: dict[int, str] = {}

    def only(self, records: Iterable[Record]) -> None:
        """Watch these alone; how they stand is shown at once."""
        for record in records:
            self.states[record.number] = record.state
            self._view.begin(record)
            self._show(record, record.finished_at_ms or self._at.now_ms)

    def follow(self, changes: Changes) -> None:
        """Show what changes; returns once all that were named are final."""
        away = False
        while not self.states or any(state not in FINAL_STATES for state in self.states.values()):
            try:
                found = changes.read(wait_seconds=_WAIT_SECONDS)
                if away and changes.missed_any():
                    tell("some changes were missed: more happened meanwhile than is kept")
                away = False
                self._look(found)
            except (redis.ConnectionError, redis.TimeoutError):
                if not away:
                    tell("Redis does not answer; the watch goes on when it does")
                away = True
                self._pause(_AGAIN_SECONDS)

    def _look(self, changes: Iterable[Change]) -> None:
        """Look once at each that changed, however often it did."""
        latest = {change.number: change for change in changes}
        for number, change in latest.items():
            if self.states and number not in self.states:
                continue
            record = self._at.queries.find(str(number))
            if record is None:  # purged meanwhile
                self.states.pop(number, None)
            elif record.fits(self._wanted):
                if number in self.states:
                    self.states[number] = record.state
                self._show(record, change.at_ms)

    def _show(self, record: Record, at_ms: int) -> None:
        if self._as_json:
            say(json.dumps(self._view.document(record, at_ms=at_ms)))
        else:
            for line in self._view.lines(record, at_ms=at_ms):
                say(line)
        sys.stdout.flush()
