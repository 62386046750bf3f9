"""How long a server may take for what."""

from __future__ import annotations

from settings_store.kinds import Integer
from settings_store.option import Option

TITLE = "Time-outs"

OPTIONS: tuple[Option, ...] = (
    Option(
        "timeouts.connect_seconds",
        "Connect",
        Integer(1, 60, "seconds"),
        10,
        "How long a server may take to accept a connection and to agree on TLS.",
    ),
    Option(
        "timeouts.command_reply_seconds",
        "Reply to a command",
        Integer(5, 300, "seconds"),
        30,
        "How long a server may take for its greeting and for the reply to a command.",
    ),
    Option(
        "timeouts.data_start_seconds",
        "Start of data",
        Integer(5, 300, "seconds"),
        60,
        "How long a server may take to ask for the mail's text after DATA.",
    ),
    Option(
        "timeouts.final_reply_seconds",
        "Final reply",
        Integer(30, 600, "seconds"),
        300,
        "How long a server may take to take a mail over once it has all of it. "
        "Too short, and mails that did arrive are shown as uncertain; RFC 5321 names ten minutes.",
    ),
)
