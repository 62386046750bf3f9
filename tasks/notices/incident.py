"""One thing to be told, and its words. It holds no address, no secret and no text of a notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from settings_store.catalog import GROUPS

Event = Literal[
    "fallback",
    "all_down",
    "recovered",
    "misconfigured",
    "misconfigured_over",
    "undelivered",
    "held",
    "secret_expiry",
    "backlog",
    "backlog_over",
]

_CHANNEL: Mapping[str, str] = {"email": "e-mail", "text": "texts"}
_NUMBERS_SHOWN = 10
_ADVICE: Mapping[str, tuple[str, ...]] = {
    "fallback": ("Nothing is lost or late. You are told when it is over.", "Look: `notify server list`"),
    "all_down": (
        "Whatever waits goes out by itself when a server is back.",
        "Look: `notify server list`",
    ),
    "misconfigured": (
        "Only a changed option, or its administrator, cures that.",
        "You are told when it is over.",
        "Look: `notify server list`",
    ),
    "held": (
        "They wait for that option, and go out by themselves once it is set.",
        "Until then they and all that follow are not tried, and expire in the end.",
        "Look: `notify route explain email`, `notify message list --state held`",
    ),
    "backlog": (
        "They are sent once a worker takes them: workers are too few, or each slot waits for a slow server.",
        "You are told when it is over.",
        "Look: `notify doctor`, `notify server list`, `notify message list --state queued`",
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
            said = f"{_what(facts)} by {_title(facts['carrier'])}: {_title(facts['server'])} is {_how(facts)}"
        case "all_down":
            said = f"No server for {_CHANNEL[facts['channel']]} is up"
        case "recovered":
            said = f"{_what(facts)} by {_title(facts['carrier'])} again"
        case "misconfigured" | "misconfigured_over":
            is_over = incident.event == "misconfigured_over"
            said = f"{_title(facts['server'])} "
            said += "is in use again" if is_over else f"needs a person: {facts['reason']}"
        case "undelivered":
            said = f"{_counted(facts['count'])} undelivered"
        case "held":
            said = f"{_counted(facts['count'])} held: {facts['reason']}"
        case "secret_expiry":
            said = str(facts["words"])
        case "backlog":
            wait = "waits" if facts["count"] == 1 else "wait"
            said = f"{_counted(facts['count'])} {wait} for a worker, the oldest for {_time(facts['seconds'])}"
        case "backlog_over":
            said = "Workers keep up again: no notification waits long"
    return said


def text_of(incident: Incident) -> str:
    """The subject, and what to do about it."""
    return "\n".join([f"{subject_of(incident)}.", "", *_lines(incident)])


def _lines(incident: Incident) -> list[str]:
    facts = incident.facts
    match incident.event:
        case "fallback" | "all_down":
            lines = [*_servers(facts), *_ADVICE[incident.event]]
        case "recovered":
            lines = [f"It was down for {_time(facts['seconds'])}."]
        case "misconfigured":
            lines = [f"It is left alone meanwhile: {facts['reason']}.", *_ADVICE[incident.event]]
        case "misconfigured_over":
            lines = _cured(facts)
        case "undelivered":
            lines = _undelivered(facts)
        case "backlog_over":
            lines = [f"The oldest began to wait {_time(facts['seconds'])} ago."]
        case _:
            lines = list(_ADVICE[incident.event])
    return lines


def _cured(facts: Mapping[str, Any]) -> list[str]:
    if facts["proven"]:
        return ["A test or a delivery did well, so it no longer needs a person."]
    return [
        "Its options were changed, and nothing bad is known of it as it is set now.",
        f"Try it: `notify server test {facts['server']}`",
    ]


def _undelivered(facts: Mapping[str, Any]) -> list[str]:
    named = facts["numbers"][:_NUMBERS_SHOWN]
    more = facts["count"] - len(named)
    numbers = ", ".join(map(str, named))
    states = ", ".join(f"{count} {state}" for state, count in facts["by_state"].items())
    return [
        f"They ended without everybody having them: {states}.",
        f"ID={numbers}" + (f" and {more} more" if more > 0 else ""),
        f"Look: `notify message list {' '.join(f'--state {state}' for state in facts['by_state'])}`",
    ]


def _what(facts: Mapping[str, Any]) -> str:
    return "E-mail goes" if facts["channel"] == "email" else "Texts go"


def _how(facts: Mapping[str, Any]) -> str:
    """Why the server does not carry, in a word."""
    paused = [server for server, state, _ in facts["servers"] if state == "paused"]
    return "paused" if facts["server"] in paused else "down"


def _title(server: str) -> str:
    return GROUPS[server]


def _servers(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"{_title(server)}: {state.replace('_', ' ')}{f', {reason}' if reason else ''}"
        for server, state, reason in facts["servers"]
    ]


def _counted(count: int) -> str:
    return "1 notification" if count == 1 else f"{count:,} notifications"


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} seconds"
    return f"{minutes} minutes" if minutes > 1 else "a minute"
