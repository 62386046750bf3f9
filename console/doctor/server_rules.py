"""The servers as they do now: passed over, paused, or failing their last test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.doctor.facts import Facts
from console.doctor.finding import Finding
from settings_store.catalog import GROUPS
from tasks.fallback import Standing
from tasks.server_status import ServerStatus

_CHANNELS: Final = {"email": "e-mails", "text": "texts"}


def server_findings(facts: Facts) -> Iterator[Finding]:
    """Each server that is in use, then each channel as a whole."""
    if facts.servers is None:
        return
    used = [status for status in facts.servers if status.server and status.places]
    for status in used:
        yield from _server(status)
    for channel in facts.channels:
        yield from _channel(channel)
    if used and all(_is_free(status) for status in used):
        yield Finding("servers", "ok", f"{', '.join(status.name for status in used)} may be used")


def _server(status: ServerStatus) -> Iterator[Finding]:
    state = status.state
    title = GROUPS[status.name]
    if state is not None and state.state in {"open", "half_open"}:
        yield Finding(
            f"servers.{status.name}",
            "warn",
            f"{title} is passed over: {state.reason or 'it failed'}",
            "it is tested again by itself, and used as soon as it does well",
            f"`notify server test {status.name}` shows at which step it fails, and what to do",
        )
    elif state is not None and state.state == "paused":
        yield Finding(
            f"servers.{status.name}",
            "warn",
            f"{title} is paused by {state.paused_by}: {state.reason}",
            "nothing goes by it meanwhile"
            if state.paused_until_ms
            else "nothing goes by it until it is resumed",
            f"`notify server resume {status.name}`",
        )
    last = status.last_test
    if last is not None and not last.ok and status.tested_as_it_is:
        yield Finding(
            f"servers.{status.name}.test",
            "warn",
            f"{title} failed its last test at {last.stage}: {last.reason}",
            "nothing says that it does better now",
            f"`notify server test {status.name}`",
        )


def _channel(standing: Standing) -> Iterator[Finding]:
    what, check = _CHANNELS[standing.channel], f"servers.{standing.channel}"
    if standing.condition == "down":
        yield Finding(
            check,
            "error",
            f"no server for {what} may be used: all are passed over or paused",
            f"{what} wait until one does well again, or they expire",
            f"`notify server list`, then `notify server test chain --channel {standing.channel}`",
        )
    elif standing.condition == "fallback" and standing.carrier is not None:
        first = standing.links[0].server
        yield Finding(
            check,
            "warn",
            f"{what} go by {GROUPS[standing.carrier]}: {GROUPS[first]} is not used now",
            "there may be no second server left for a failure of that one",
            f"`notify server test {first}`",
        )


def _is_free(status: ServerStatus) -> bool:
    return status.state is None or status.state.state == "closed"
