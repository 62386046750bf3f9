"""`notify message`: what became of notifications."""

from __future__ import annotations

import click

from console.cli.lazy_group import Lazy, LazyGroup

_COMMANDS = {
    "show": Lazy("console.cli.message_show", "show", "one: state, recipients, every attempt"),
    "list": Lazy("console.cli.message_list", "list_messages", "many, newest first, by filter"),
    "watch": Lazy("console.cli.message_watch", "watch", "what happens, while it happens"),
    "replay": Lazy("console.cli.message_replay", "replay", "send dead letters again"),
    "cancel": Lazy("console.cli.message_cancel", "cancel", "stop what is not sent yet"),
}


@click.group("message", cls=LazyGroup, lazy=_COMMANDS, no_args_is_help=True)
def message() -> None:
    """What became of notifications. ID is the id, or the number that stands first in every message."""
