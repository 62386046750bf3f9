"""How long somebody stays signed in at the pages, and how often a program may ask the HTTP API."""

from __future__ import annotations

from settings_store.kinds import Integer, Text
from settings_store.option import Option

TITLE = "Console"

OPTIONS: tuple[Option, ...] = (
    Option(
        "console.idle_minutes",
        "Idle time",
        Integer(5, 1440, "minutes"),
        30,
        "Who opens no page for so long is signed out.",
    ),
    Option(
        "console.session_hours",
        "Longest session",
        Integer(1, 168, "hours"),
        12,
        "After so long everybody signs in again, however busy.",
    ),
    Option(
        "console.requests_per_minute",
        "Requests of a token",
        Integer(10, 100000, "requests a minute"),
        3000,
        "How many requests a token may make at the HTTP API in a minute, at all consoles together. "
        "One more is refused with 429 and told when to come back; a batch is one request.",
    ),
    Option(
        "console.flower_url",
        "Address of Flower",
        Text(maximum_characters=500),
        "",
        "Where Flower is, as http://host:5555/; the overview links to it. Blank: the one that the "
        "console was started with, as `make up` does; else there is no link.",
    ),
)
