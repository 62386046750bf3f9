"""One thing to be told, and its words. It holds no address, no secret and no text of a notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from settings_store.catalog import GROUPS

Event = Literal["fallback", "all_down", "recovered", "misconfigured", "undelivered", "held", "secret_expiry"]

_CHANNEL: Mapping[str, str] = {"email": "e-mail", "text": "texts"}
_WAITS = "Whatever waits goes out by itself when a server is back."
_NUMBERS_SHOWN = 10
_ADVICE: Mapping[str, tuple[str, ...]] = {
    "held": (
        "They wait for that option, and go out by themselves once it is set.",
        "Until then they and all that follow are not tried, and expire in the end.",
        "Look: `notify route explain email`, `notify message list --state held`",
    ),
    "secret_expiry": (
        "Once it is over the server refuses the sign-in, and is passed over.",
        "Make a new one, and set it together with its new last day: `notify doctor` has the command.",
    ),
}


class Incident(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to be told.

    Attributes:
        id: Made by whoever saw it first.
        event: What it is.
        at_ms: When it was seen, in Unix milliseconds.
        facts: What is known, by event; for people and programs alike.
    """

    id: str
    event: Event
    at_ms: int
    facts: dict[str, Any]


def subject_of(incident: Incident) -> str:
    """One line that says all."""
    facts = incident.facts
    match incident.event:
        case "fallback":
            return f"{_what(facts)} by {_title(facts['carrier'])}: {_title(facts['server'])} is down"
        case "all_down":
            return f"No server for {_CHANNEL[facts['channel']]} is up"
        case "recovered":
            return f"{_what(facts)} by {_title(facts['carrier'])} again"
        case "misconfigured":
            return f"{_title(facts['server'])} needs a person: {facts['reason']}"
        case "undelivered" | "held":
            why = f"held: {facts['reason']}" if incident.event == "held" else "undelivered"
            return f"{_counted(facts['count'])} {why}"
        case "secret_expiry":
            return str(facts["words"])


def text_of(incident: Incident) -> str:
    """The subject, and what to do about it."""
    return "\n".join([f"{subject_of(incident)}.", "", *_lines(incident)])


def _lines(incident: Incident) -> list[str]:
    facts = incident.facts
    match incident.event:
        case "fallback":
            return [
                *_servers(facts),
                "Nothing is lost or late. You are told when it is over.",
                "Look: `notify server list`",
            ]
        case "all_down":
            return [*_servers(facts), _WAITS, "Look: `notify server list`"]
        case "recovered":
            return [f"It was {_duration(facts['seconds'])}."]
        case "misconfigured":
            return [
                f"It is left alone meanwhile: {facts['reason']}.",
                "Only a changed option, or its administrator, cures that.",
                "Look: `notify server list`",
            ]
        case "undelivered":
            named = facts["numbers"][:_NUMBERS_SHOWN]
            more = facts["count"] - len(named)
            numbers = ", ".join(map(str, named))
            states = ", ".join(f"{count} {state}" for state, count in facts["by_state"].items())
            return [
                f"They ended without everybody having them: {states}.",
                f"ID={numbers}" + (f" and {more} more" if more > 0 else ""),
                f"Look: `notify message list {' '.join(f'--state {state}' for state in facts['by_state'])}`",
            ]
        case "held" | "secret_expiry":
            return list(_ADVICE[incident.event])


def _what(facts: Mapping[str, Any]) -> str:
    return "E-mail goes" if facts["channel"] == "email" else "Texts go"


def _title(server: str) -> str:
    return GROUPS[server]


def _servers(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"{_title(server)}: {state.replace('_', ' ')}{f', {reason}' if reason else ''}"
        for server, state, reason in facts["servers"]
    ]


def _counted(count: int) -> str:
    return "1 notification" if count == 1 else f"{count:,} notifications"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"down for {round(seconds)} seconds"
    return f"down for {minutes} minutes" if minutes > 1 else "down for a minute"
