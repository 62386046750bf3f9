"""The sweep calls those for whose connections there is room, and the first in each line in any case."""

from __future__ import annotations

import time

import pytest

from tasks.breaker.breaker import FAILURES_BEFORE_OPEN
from tasks.delivery.turn import Freed
from tasks.ledger import Results
from tasks.limits import account_of, allowance_for, line_for
from tasks.routing import servers_in_use
from tasks.verdict import Verdict
from tests.rigs.processes import free_port
from tests.rigs.swept import Swept

CONNECTIONS = 3


@pytest.fixture
def in_line(swept: Swept) -> list[str]:
    """Eight that found no connection."""
    swept.installation.configure(primary=free_port())
    allow(swept, CONNECTIONS)
    ids = []
    for _ in range(8):
        swept.installation.server.advance(1)
        ids.append(swept.installation.publish().id)
    server = servers_in_use(swept.runtime.store.snapshot())[0]
    line = line_for(server, allowance_for(swept.runtime.store.snapshot(), server))
    for each in ids:
        swept.runtime.ledger.finish(
            swept.claim(each),
            then="waiting",
            results=Results(),
            reason="our own limit of connections at once",
            delay_seconds=60,
            counts_as_pass=False,
            waits_for=(line,),
        )
    swept.forget_bells()
    return ids


def allow(swept: Swept, connections: int) -> None:
    swept.runtime.store.change({"limits.primary_email_connections": connections}, author="test")


def hold(swept: Swept, *holders: str) -> None:
    """Have another worker hold connections."""
    snapshot = swept.runtime.store.snapshot()
    server = servers_in_use(snapshot)[0]
    for holder in holders:
        swept.runtime.admission.limits.take(
            account_of(server), allowance_for(snapshot, server), holder=holder
        )


def called(swept: Swept, ids: list[str]) -> list[str]:
    return [each for each in ids if swept.installation.record(each).state == "queued"]


@pytest.mark.parametrize("held", [0, 1, 2])
def test_as_many_are_called_as_may_open_connections(swept: Swept, in_line: list[str], held: int) -> None:
    hold(swept, *(f"h{number}" for number in range(held)))
    assert swept.sweep() == CONNECTIONS - held
    assert called(swept, in_line) == in_line[: CONNECTIONS - held]


def test_the_first_is_called_each_second_though_all_connections_are_held(
    swept: Swept, in_line: list[str]
) -> None:
    hold(swept, "h1", "h2", "h3")
    assert [swept.sweep() for _ in range(2)] == [1, 1]
    assert called(swept, in_line) == in_line[:2]


def test_where_a_server_is_left_alone_all_may_go_by_another_one(swept: Swept, in_line: list[str]) -> None:
    hold(swept, "h1", "h2", "h3")
    server = servers_in_use(swept.runtime.store.snapshot())[0]
    for number in range(FAILURES_BEFORE_OPEN):
        swept.runtime.breaker.report(
            server.fingerprint,
            Verdict.SERVER_DOWN,
            name="primary_email",
            token=f"t{number}",
            began_ms=int(time.time() * 1000) + 10_000,
            reason="the server is not ready",
        )
    assert swept.sweep() == len(in_line)
    assert called(swept, in_line) == in_line


def test_whoever_leaves_a_connection_rings_for_the_first_at_once(swept: Swept, in_line: list[str]) -> None:
    snapshot = swept.runtime.store.snapshot()
    server = servers_in_use(snapshot)[0]
    freed = Freed(line_for(server, allowance_for(snapshot, server)), "normal")
    swept.runtime.call_next(freed)
    assert (called(swept, in_line), swept.queue()) == (in_line[:1], 1)
    for _ in in_line:
        swept.runtime.call_next(freed)
    assert (called(swept, in_line), swept.queue()) == (in_line, len(in_line))


@pytest.mark.parametrize("connections", [0, 5])
def test_with_another_limit_all_go_on(swept: Swept, in_line: list[str], connections: int) -> None:
    hold(swept, "h1", "h2", "h3")
    allow(swept, connections)
    assert swept.sweep() == len(in_line)


def test_where_nobody_waits_the_limits_are_not_asked(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    swept.installation.configure(primary=free_port())
    allow(swept, CONNECTIONS)
    monkeypatch.setattr(swept.runtime.usages, "_scripts", None)
    assert swept.sweep() == 0
