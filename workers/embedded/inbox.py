"""The program of the two inboxes: `python -m workers.embedded.inbox HOME page=N primary=N secondary=N`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

from tornado.httpserver import HTTPServer

from workers.embedded.home import Home
from workers.embedded.inbox_page import application
from workers.embedded.inbox_smtp import Inbox
from workers.embedded.inbox_store import InboxStore
from workers.embedded.next_command import first_mail
from workers.embedded.ports import LOOPBACK

NAMES = ("primary", "secondary")


async def serve(home: Home, ports: dict[str, int]) -> None:
    """Serve both inboxes and their page until SIGTERM."""
    inboxes = {name: Inbox(name, ports[name], InboxStore(name, home.inboxes / name)) for name in NAMES}
    for inbox in inboxes.values():
        await inbox.start()
    page = HTTPServer(application(inboxes, port=ports["page"], next_command=first_mail(home)))
    page.listen(ports["page"], address=LOOPBACK)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    page.stop()
    for inbox in inboxes.values():
        inbox.stop()


def main() -> None:
    """Read the arguments and serve."""
    # Below this level aiosmtpd logs addresses.
    logging.getLogger("mail").setLevel(logging.ERROR)
    ports = {name: int(port) for name, _, port in (argument.partition("=") for argument in sys.argv[2:])}
    asyncio.run(serve(Home(Path(sys.argv[1])), ports))


if __name__ == "__main__":
    main()
