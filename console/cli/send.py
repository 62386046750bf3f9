"""`notify send`: an e-mail or a text, from flags, a pipe or JSON."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from console.cli.cell_text import shown
from console.cli.context import client, environment
from console.cli.errors import FAILED, STILL_OPEN, BadInput
from console.cli.flags import as_json, dry_run
from console.cli.output import say, say_json, tell, warn
from console.cli.publishing import publish
from console.cli.route import route_json, route_lines
from console.cli.screen import Screen
from console.cli.send_document import document_json, document_lines, notification_of
from console.cli.send_flags import email_flags, text_flags
from console.cli.waiting import shown_progress, wait_for_end
from settings_store.environment import Environment
from settings_store.store import SettingsStore
from tasks.ledger import FINAL_STATES, LedgerQueries, State
from tasks.notification import Notification
from tasks.publisher import Published
from tasks.routing import route
from tasks.server import Channel


@click.group("send", no_args_is_help=True)
def send() -> None:
    """Send a notification. Once accepted it is never lost: it ends delivered, or in a list to look at."""


_EMAIL_EXAMPLES = """\b
Examples:
  notify send email --to ops@example.com --subject Failed --message "Job 7"
  tail -50 job.log | notify send email --to "a@example.com;b@example.com"
"""
_TEXT_EXAMPLES = """\b
Example:
  notify send text --to 4915112345@sms.example.com --message "Job 7 failed"
"""


@send.command("email", epilog=_EMAIL_EXAMPLES)
@email_flags
@dry_run
@as_json
def email(**given: Any) -> None:
    """Send an e-mail."""
    _send("email", given)


@send.command("text", epilog=_TEXT_EXAMPLES)
@text_flags
@dry_run
@as_json
def text(**given: Any) -> None:
    """Send a text to phones, by the address that a carrier or gateway gives each of them."""
    _send("text", given)


def _send(channel: Channel, given: Mapping[str, Any]) -> None:
    found = environment()
    notification = notification_of(channel, given)
    if given["dry_run"]:
        _dry_run(found, notification, as_json=given["as_json"])
        return
    # With an id of its own it can be sent again, should Redis go away in the middle.
    notification = msgspec.structs.replace(notification, id=notification.id or str(uuid.uuid4()))
    connected = client(found)
    # Asked before anything is written: where this fails, surely nothing was accepted.
    connected.ping()
    receipt = publish(found, connected, notification)
    if receipt.again:
        tell("it was accepted before, by the same id or key; nothing new was recorded")
    if receipt.unknown_tokens:
        names = ", ".join(f"[[{shown(name)}]]" for name in receipt.unknown_tokens)
        warn(f"no value for {names}: sent as it stands; --property NAME=VALUE gives one")
    if given["wait"] is None:
        _show(receipt, receipt.state, as_json=given["as_json"])
        return
    queries = LedgerQueries(connected, prefix=found.prefix)
    try:
        record = wait_for_end(queries, receipt.id, given["wait"], progress=shown_progress(receipt.number))
    except KeyboardInterrupt:
        tell(f"ID={receipt.number} goes on; `notify message show {receipt.number}` tells how")
        raise
    state = record.state if record else receipt.state
    _show(receipt, state, as_json=given["as_json"])
    if state != "delivered":
        reason = (record.reason if record else "Redis does not answer") or state
        tell(f"{shown(reason)}; `notify message show {receipt.number}` tells more")
        raise click.exceptions.Exit(FAILED if state in FINAL_STATES else STILL_OPEN)


def _show(receipt: Published, state: State, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": receipt.id, "number": receipt.number, "state": state})
    else:
        say(f"ID={receipt.number} {state}  {receipt.id}")


def _dry_run(found: Environment, notification: Notification, *, as_json: bool) -> None:
    if notification.expires is not None and notification.expires <= datetime.now(UTC):
        raise BadInput("expires: is past; allowed: a time to come", "--expires 2h, or a later time")
    planned = route(SettingsStore(client(found), prefix=found.prefix).snapshot(), notification.channel)
    if as_json:
        say_json({"document": document_json(notification), "route": route_json(planned)})
    else:
        for line in (*document_lines(notification), "", *route_lines(planned, Screen.of(sys.stdout))):
            say(line)
    tell("dry run: nothing was sent")
