"""The flags that say which notifications are meant, for every command that takes many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import click

from console.cli.moment import moment
from tasks.ledger import STATES, MessageFilter
from tasks.notification_document import Priority
from tasks.server import Channel, ServerName

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_FLAGS: Final[tuple[Decorator, ...]] = (
    click.option(
        "--state",
        "states",
        type=click.Choice(STATES),
        multiple=True,
        metavar="STATE",
        help=f"One state, again for more: {', '.join(STATES)}.",
    ),
    click.option("--channel", type=click.Choice(get_args(Channel)), help="E-mail or text."),
    click.option("--priority", type=click.Choice(get_args(Priority)), help="As it was sent with."),
    click.option(
        "--server",
        type=click.Choice(get_args(ServerName)),
        metavar="SERVER",
        help=f"Tried by this server: {', '.join(get_args(ServerName))}.",
    ),
    click.option("--job", metavar="NAME", help="Of this job; case and blanks do not matter."),
    click.option("--schedule", metavar="NAME", help="Of this schedule."),
    click.option("--machine", metavar="NAME", help="Of this machine."),
    click.option("--recipient", metavar="ADDRESS", help="To this address, copies included."),
    click.option("--perhaps-twice", is_flag=True, help="Delivered to somebody who may have it twice."),
    click.option("--since", metavar="TIME", help="Accepted since this time, or in the last 2h."),
    click.option("--until", metavar="TIME", help="Accepted until this time, or more than 2h ago."),
)


def filter_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags; they arrive as keyword arguments that `filter_of` reads."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def filter_of(given: Mapping[str, Any]) -> MessageFilter:
    """The filter that was typed.

    Raises:
        console.cli.errors.BadInput: A time cannot be read.
    """
    return MessageFilter(
        states=frozenset(given["states"]),
        channel=given["channel"],
        priority=given["priority"],
        server=given["server"],
        perhaps_twice=given["perhaps_twice"],
        job=given["job"],
        schedule=given["schedule"],
        machine=given["machine"],
        recipient=given["recipient"],
        since_ms=_milliseconds("--since", given["since"]),
        until_ms=_milliseconds("--until", given["until"]),
    )


def _milliseconds(flag: str, text: str | None) -> int | None:
    return None if text is None else int(moment(text, flag, "ago").timestamp() * 1000)
