"""Listeners: everything that passes over Celery's event stream, and every command that Redis is given."""

from __future__ import annotations

import base64
import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any

import redis
from celery import Celery

from tests.rigs.processes import wait_until

_LAST = "the listener's last command"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


@contextlib.contextmanager
def listening_to_events(url: str) -> Iterator[list[dict[str, Any]]]:
    """The raw events as they come in."""
    events: list[dict[str, Any]] = []
    ready = threading.Event()
    app = Celery("listener", broker=url, set_as_current=False)
    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": events.append})
        receiver.on_consume_ready = lambda *_args, **_more: ready.set()

        def listen() -> None:
            for _ in receiver.itercapture(wakeup=False):
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            wait_until(ready.is_set, what="the listener to events being ready")
            yield events
        finally:
            receiver.should_stop = True
            thread.join()


@contextlib.contextmanager
def listening_to_commands(url: str) -> Iterator[list[str]]:
    """Every command that clients give the server, as MONITOR shows it; what scripts do inside is left out."""
    commands: list[str] = []
    # The client would give up on a server that is given nothing for a while.
    unhurried = redis.Redis.from_url(url, decode_responses=True, socket_timeout=None)
    with unhurried as client, client.monitor() as monitor:

        def listen() -> None:
            while not (commands and _LAST in commands[-1]):
                given = monitor.next_command()
                if given["client_type"] != "lua":
                    commands.append(given["command"])

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield commands
        finally:
            client.echo(_LAST)
            thread.join()


def unwrapped(text: str) -> str:
    """A text with whatever is base64 in it laid open behind it, because that is how Celery wraps bodies."""
    opened = []
    for found in _BASE64.findall(text):
        with contextlib.suppress(ValueError):
            opened.append(base64.b64decode(found).decode("utf-8", "replace"))
    return "\n".join([text, *opened])
