"""`notify message show`: one notification, at a glance."""

from __future__ import annotations

import sys

import click

from console.cli.flags import as_json
from console.cli.message_lookup import desk
from console.cli.message_view import message_lines
from console.cli.output import say, say_json
from console.cli.screen import Screen
from console.presenting import message_json


@click.command("show")
@click.argument("id_or_number", metavar="ID")
@as_json
def show(*, id_or_number: str, as_json: bool) -> None:
    """One notification: its state, its recipients, and every attempt with what the server said."""
    at = desk()
    record = at.found(id_or_number)
    if as_json:
        say_json(message_json.show(record))
        return
    for line in message_lines(record, now_ms=at.now_ms, screen=Screen.of(sys.stdout)):
        say(line)
