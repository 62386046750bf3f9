"""`notify route explain`: which servers a message goes to today, and why."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import click
import redis

from console.cli import completing
from console.cli.cell_text import shown, wrapped
from console.cli.context import client, environment
from console.cli.errors import BadInput, Failed
from console.cli.flags import as_json
from console.cli.output import say, say_json, tell, warn
from console.cli.screen import Screen
from settings_store.catalog import GROUPS
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.routing import Route
from tasks.routing import route as routed
from tasks.server import Channel, ServerName, Tls

#: What `--expect` says for a message that is held.
NOBODY = "none"
_SERVERS = get_args(ServerName)
_TLS = {Tls.NONE: "no TLS", Tls.STARTTLS: "STARTTLS", Tls.IMPLICIT: "TLS"}
_INDENT = "     "


@click.group("route", no_args_is_help=True)
def route() -> None:
    """Which servers a message goes to."""


@route.command("explain")
@click.argument("channel", type=click.Choice(get_args(Channel)))
@click.option(
    "--expect",
    metavar="A,B",
    shell_complete=completing.chain,
    help=f"Exit 1 unless the chain is this: names of servers, or `{NOBODY}`.",
)
@click.option(
    "--revision",
    type=click.IntRange(min=0),
    metavar="N",
    help="As the options were at this revision, instead of now.",
)
@as_json
def explain(*, channel: Channel, expect: str | None, revision: int | None, as_json: bool) -> None:
    """Print the chain of servers for e-mail or text, and the rule behind each."""
    expected = None if expect is None else _expected(expect)
    found = environment()
    store = SettingsStore(client(found), prefix=found.prefix)
    planned = routed(store.snapshot() if revision is None else store.at(revision), channel)
    if as_json:
        say_json(route_json(planned))
    else:
        for line in route_lines(planned, Screen.of(sys.stdout)):
            say(line)
        if revision is None:
            _warn_of_those_left_alone(planned, Breaker(client(found), prefix=found.prefix))
    if planned.held is not None and revision is None:
        tell("messages are held until `notify options set primary_email.server_name=HOST --reason TEXT`")
    chain = [hop.server.name for hop in planned.chain]
    if expected is not None and chain != expected:
        raise Failed(
            f"the chain is {','.join(chain) or NOBODY}, not {','.join(expected) or NOBODY}",
            "`notify options history` shows who changed what",
            details=_differences(expected, chain, planned),
        )


def _warn_of_those_left_alone(planned: Route, breaker: Breaker) -> None:
    """The chain is what the options say; who looks at it at night wants to know what is skipped of it."""
    with contextlib.suppress(redis.RedisError):
        allowed = breaker.allows(hop.server.fingerprint for hop in planned.chain)
        for hop in planned.chain:
            words = allowed[hop.server.fingerprint].words
            if words:
                warn(f"{GROUPS[hop.server.name]} is not used now, {words}; `notify server list` tells more")


def route_json(planned: Route) -> dict[str, Any]:
    """Chain, reasons and, where nothing can be sent, why."""
    return {
        "chain": [hop.server.name for hop in planned.chain],
        "reasons": list(planned.reasons),
        "held": planned.held,
    }


def route_lines(planned: Route, screen: Screen) -> Iterator[str]:
    """Each server with its address and rule, then what else decided."""
    if planned.held is not None:
        yield screen.paint(f"held: {shown(planned.held)}", "yellow", "bold")
    for place, hop in enumerate(planned.chain, start=1):
        server = hop.server
        where = f"{shown(server.host)}:{server.port}, {_TLS[server.tls]}, from {shown(server.sender)}"
        yield f"  {place}  {screen.paint(GROUPS[server.name], 'bold')}  {where}"
        yield from _indented(hop.rule, screen)
    others = [reason for reason in planned.reasons[len(planned.chain) :] if reason != planned.held]
    if others:
        yield ""
    for reason in others:
        first, *more = wrapped(shown(reason), screen.columns - len("  - "))
        yield f"  - {first}"
        yield from (f"    {line}" for line in more)


def _differences(expected: Sequence[str], chain: Sequence[str], planned: Route) -> tuple[str, ...]:
    """How a chain differs from what was expected, in sentences."""
    missing = [name for name in expected if name not in chain]
    more = [name for name in chain if name not in expected]
    lines = [f"{name}: expected, and not in the chain{_why_missing(name, planned)}" for name in missing]
    lines += [f"{name}: in the chain, and not expected" for name in more]
    if not lines:
        lines = [
            f"place {place}: {found} instead of {wanted}"
            for place, (wanted, found) in enumerate(zip(expected, chain, strict=False), start=1)
            if wanted != found
        ]
    return tuple(lines)


def _why_missing(name: str, planned: Route) -> str:
    title = GROUPS[name]
    dropped = [reason for reason in planned.reasons if reason.startswith(f"{title} is dropped")]
    return f" ({dropped[0]})" if dropped else ""


def _indented(text: str, screen: Screen) -> Iterator[str]:
    for line in wrapped(shown(text), screen.columns - len(_INDENT)):
        yield f"{_INDENT}{screen.paint(line, 'dim')}"


def _expected(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if names == [NOBODY]:
        return []
    for name in names:
        if name not in _SERVERS:
            # A variable that is not set must not pass for "nobody".
            what = f"{name} is no server" if name else "names no server"
            raise BadInput(f"--expect: {what}", f"servers are {', '.join(_SERVERS)}; `{NOBODY}` is none")
    return names
