"""The servers as they do now: passed over, paused, or failing their last test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from console.doctor.facts import Facts
from console.doctor.finding import Finding
from settings_store.catalog import GROUPS
from tasks.server_status import ServerStatus

_CHANNELS: Final = {"email": "e-mail", "text": "texts"}


def server_findings(facts: Facts) -> Iterator[Finding]:
    """Each server that is in use, then each channel as a whole."""
    if facts.servers is None:
        return
    used = [status for status in facts.servers if status.server and status.places]
    for status in used:
        yield from _server(status)
    for channel, what in _CHANNELS.items():
        chain = [status for status in used if channel in status.places]
        yield from _chain(chain, what)
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


def _chain(chain: Sequence[ServerStatus], what: str) -> Iterator[Finding]:
    if not chain:
        return
    if not any(_is_free(status) for status in chain):
        yield Finding(
            f"servers.chain.{what}",
            "error",
            f"no server for {what} may be used: all are passed over or paused",
            f"{what} wait until one does well again, or they expire",
            "`notify server list`, then `notify server test chain`",
        )
    elif not _is_free(chain[0]):
        yield Finding(
            f"servers.chain.{what}",
            "warn",
            f"{what} go by {GROUPS[next(each for each in chain if _is_free(each)).name]}: "
            f"{GROUPS[chain[0].name]} is not used now",
            "there is no second server left for a failure of that one",
            f"`notify server test {chain[0].name}`",
        )


def _is_free(status: ServerStatus) -> bool:
    return status.state is None or status.state.state == "closed"
