"""`python -m workers.embedded`: up, stop an inbox, start it again. `make` says the same in shorter words."""

from __future__ import annotations

import argparse
import os
import sys

from workers.embedded.announce import Announcer
from workers.embedded.choices import DEFAULT_PORTS
from workers.embedded.errors import EmbeddedFault
from workers.embedded.home import Home
from workers.embedded.inbox_switch import INBOXES, switch
from workers.embedded.up import FAILED, up

_HIGHEST_PORT = 65535


def main() -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 not understood."""
    parser = argparse.ArgumentParser(prog="python -m workers.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything and stay")
    starting.add_argument(
        "--port",
        action="append",
        default=[],
        type=_port,
        metavar="NAME=NUMBER",
        help=f"listen there, now and later; names: {', '.join(DEFAULT_PORTS)}",
    )
    for verb, meaning in (("stop", "its port refuses connections"), ("start", "it accepts mail again")):
        switching = commands.add_parser(verb, help=f"{verb} an inbox: {meaning}")
        switching.add_argument("inbox", choices=INBOXES)
    arguments = parser.parse_args()
    if arguments.command == "up":
        return up(os.environ, Announcer(), wanted_ports=dict(arguments.port))
    announcer = Announcer()
    try:
        announcer.done(switch(Home.of(os.environ), arguments.inbox, arguments.command))
    except EmbeddedFault as fault:
        announcer.fault(str(fault), fault.hint)
        return FAILED
    return 0


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in DEFAULT_PORTS:
        raise argparse.ArgumentTypeError(f"{name!r} does not listen; names are {', '.join(DEFAULT_PORTS)}")
    if not number.isdecimal() or not 0 < int(number) <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{name}: {number!r} is no port; allowed are 1 to {_HIGHEST_PORT}")
    return name, int(number)


if __name__ == "__main__":
    sys.exit(main())
