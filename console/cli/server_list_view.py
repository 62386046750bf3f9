"""The four servers for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from console.cli.cell_text import shown, wrapped
from console.cli.screen import Colour, Screen
from console.presenting.limit_words import limits_used
from console.presenting.relative_time import relative
from console.presenting.server_json import sign_in_kind
from settings_store.catalog import GROUPS
from tasks.breaker import ServerState
from tasks.fallback import Standing
from tasks.server import Tls
from tasks.server_status import ServerStatus

_TLS: Final = {Tls.NONE: "no TLS", Tls.STARTTLS: "STARTTLS", Tls.IMPLICIT: "TLS"}
_SIGN_IN: Final = {"none": "no sign-in", "basic": "sign-in by password", "oauth": "sign-in by token"}
_CHANNELS: Final = {"email": "e-mail", "text": "texts"}
_ORDINALS: Final = {1: "first", 2: "second"}
_STATES: Final[dict[str, tuple[str, Colour]]] = {
    "closed": ("in use", "green"),
    "open": ("passed over", "red"),
    "half_open": ("being tested", "yellow"),
    "paused": ("paused", "yellow"),
}
_INDENT: Final = "  "


def server_lines(
    statuses: Sequence[ServerStatus], channels: Sequence[Standing], *, now_ms: int, screen: Screen
) -> Iterator[str]:
    """Channels that do not go as they are meant to, then each server; one that is not set in a line."""
    warnings = [line for channel in channels for line in _standing(channel, screen)]
    if warnings:
        yield from warnings
        yield ""
    for place, status in enumerate(statuses):
        if place and (status.server or statuses[place - 1].server):
            yield ""
        yield from _server(status, now_ms, screen)


def _standing(channel: Standing, screen: Screen) -> Iterator[str]:
    what = _CHANNELS[channel.channel]
    match channel.condition:
        case "fallback":
            first = channel.links[0].server
            words = f"! {what}: on the fallback, {channel.carrier} carries in place of {first}"
            yield screen.paint(words, "yellow", "bold")
        case "down":
            words = f"✗ {what}: no server may be used now, so everything waits"
            yield screen.paint(words, "red", "bold")


def _server(status: ServerStatus, now_ms: int, screen: Screen) -> Iterator[str]:
    name = f"{screen.paint(status.name, 'bold')}  {GROUPS[status.name]}"
    server = status.server
    if server is None:
        yield f"{name}: {screen.paint('not set', 'dim')}"
        return
    words, colour = _STATES[status.state.state if status.state else "closed"]
    if not status.places:
        words, colour = _unused(status), "dim"
    yield f"{name}: {screen.paint(words, colour, 'bold')}{_use(status)}"
    yield from _lines(
        f"{server.host}:{server.port}, {_TLS[server.tls]}, {_SIGN_IN[sign_in_kind(server)]}, "
        f"from {server.sender}",
        screen,
    )
    if status.state is not None:
        for sentence in _breaker(status.state, now_ms):
            yield from _lines(sentence, screen)
    limits = limits_used(status)
    if limits:
        yield from _lines(f"limits: {limits}", screen)
    yield from _lines(_last_test(status, now_ms), screen)


def _unused(status: ServerStatus) -> str:
    if status.same_as:
        return f"not used: it is the same as {status.same_as}"
    return "not used: Primary Email is not set"


def _use(status: ServerStatus) -> str:
    uses = [f"{_CHANNELS[channel]} {_ORDINALS[place]}" for channel, place in status.places.items()]
    return f", for {', '.join(uses)}" if uses else ""


def _breaker(state: ServerState, now_ms: int) -> Iterator[str]:
    when = f" {relative(state.since_ms, now_ms)}" if state.since_ms else ""
    match state.state:
        case "paused":
            end = state.paused_until_ms
            ends = f"ends {relative(end, now_ms)}" if end else "until somebody resumes it"
            yield f"paused{when} by {state.paused_by}, {ends}: {state.reason}"
        case "open" | "half_open":
            yield f"passed over, begun{when}, {_in_a_row(state)}: {state.reason}"
            if state.next_probe_ms and state.state == "open":
                yield f"tested again {relative(state.next_probe_ms, now_ms)}"
        case "closed" if state.failures:
            yield f"{_in_a_row(state)}: {state.reason}"
    seen = []
    if state.last_success_ms:
        seen.append(f"last success {relative(state.last_success_ms, now_ms)}")
    if state.last_failure_ms:
        why = state.last_failure_reason if state.state in {"closed", "paused"} and not state.failures else ""
        seen.append(f"last failure {relative(state.last_failure_ms, now_ms)}{f': {why}' if why else ''}")
    if seen:
        yield ", ".join(seen)


def _in_a_row(state: ServerState) -> str:
    return "1 failure" if state.failures == 1 else f"{state.failures} failures in a row"


def _last_test(status: ServerStatus, now_ms: int) -> str:
    last = status.last_test
    if last is None:
        return f"never tested: `notify server test {status.name}`"
    came = "ok" if last.ok else f"failed at {last.stage}: {last.reason}"
    other = "" if status.tested_as_it_is else ", with other options than today's"
    return f"last test {relative(last.at_ms, now_ms)} by {last.by} on {last.worker}{other}: {came}"


def _lines(text: str, screen: Screen) -> Iterator[str]:
    for line in wrapped(shown(text), screen.columns - len(_INDENT)):
        yield f"{_INDENT}{line}"
