"""`--wait`: 0 delivered, 1 any other end, 5 still open; a Redis that goes away meanwhile is asked again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from console.cli.waiting import LONGEST_PAUSE_SECONDS, wait_for_end
from tasks.ledger import LedgerQueries
from tasks.ledger.queries import Record
from tests.rigs.command_line import CommandLine
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.told_ledger import ToldLedger

SEND = ("send", "email", "--to", "ops@example.com", "--message", "M", "--wait", "30", "--json")


def finishing(told: ToldLedger, letter: str) -> threading.Thread:
    """A worker that ends the next notification in this way."""

    def work() -> None:
        wait_until(lambda: told.queries.page(("queued",)).total, what="a notification to send")
        (summary,) = told.queries.page(("queued",)).summaries
        then = "failed" if letter == "o" else "waiting"
        told.finish(told.claim(summary.id), {0: letter}, [], then=then, reason="because")  # type: ignore[arg-type]

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "letter, state, code",
    [("d", "delivered", 0), ("r", "failed", 1), ("x", "uncertain", 1), ("o", "failed", 1)],
)
def test_the_end_decides_the_exit_code(
    notify: CommandLine, redis_server: redis.Redis, letter: str, state: str, code: int
) -> None:
    worker = finishing(ToldLedger(redis_server, live=True), letter)
    done = notify(*SEND)
    worker.join()
    assert done.code == code
    assert list(done.json) == ["id", "number", "state"]
    assert done.json["state"] == state
    assert ("`notify message show 1` tells more" in done.err) == (code == 1)


def test_what_is_still_open_after_the_time_ends_with_5(notify: CommandLine) -> None:
    done = notify(*SEND[:-2], "0.1", "--json")
    assert (done.code, done.json["state"]) == (5, "queued")


@pytest.mark.parametrize(
    "outcomes, then, end",
    [
        ({0: "d", 1: "r"}, "waiting", (1, "partial")),
        ({}, "waiting", (5, "waiting")),
        ({}, "held", (5, "held")),
    ],
)
def test_so_it_does_where_some_have_it_and_where_it_goes_on(
    notify: CommandLine, redis_server: redis.Redis, outcomes: Any, then: Any, end: tuple[int, str]
) -> None:
    told = ToldLedger(redis_server, live=True)

    def work() -> None:
        wait_until(lambda: told.queries.page(("queued",)).total, what="a notification to send")
        (summary,) = told.queries.page(("queued",)).summaries
        told.finish(told.claim(summary.id), outcomes, [], then=then, reason="because", wait_seconds=60)

    worker = threading.Thread(target=work)
    worker.start()
    done = notify("send", "email", "--to", "a@b;c@d", "--message", "M", "--wait", "2", "--json")
    worker.join()
    assert (done.code, done.json["state"]) == end


def test_one_that_was_cancelled_meanwhile_ends_with_1(notify: CommandLine, redis_server: redis.Redis) -> None:
    told = ToldLedger(redis_server, live=True)

    def cancel() -> None:
        wait_until(lambda: told.queries.page(("queued",)).total, what="a notification to cancel")
        (summary,) = told.queries.page(("queued",)).summaries
        told.ledger.cancel(summary.id, by="test")

    worker = threading.Thread(target=cancel)
    worker.start()
    done = notify(*SEND)
    worker.join()
    assert (done.code, done.json["state"]) == (1, "cancelled")


def test_one_whose_time_is_over_meanwhile_ends_with_1(notify: CommandLine, redis_server: redis.Redis) -> None:
    told = ToldLedger(redis_server, live=True)
    expires = datetime.now(UTC) + timedelta(seconds=2)

    def sweep() -> None:
        wait_until(lambda: told.ledger.sweep("normal", room=1).ended, what="the end of its time")

    worker = threading.Thread(target=sweep)
    worker.start()
    done = notify(*SEND, "--expires", expires.isoformat())
    worker.join()
    assert (done.code, done.json["state"]) == (1, "expired")


class Steps:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def test_looks_grow_rare_up_to_a_limit_and_end_in_time(told: ToldLedger) -> None:
    notification_id = told.accept(email())
    steps = Steps()
    seen: list[Record | None] = []
    record = wait_for_end(
        told.queries,
        notification_id,
        60.0,
        progress=lambda found, _: seen.append(found),
        clock=lambda: steps.now,
        pause=steps.pause,
    )
    assert record is not None
    assert record.state == "queued"
    assert steps.now == 60.0
    assert steps.pauses[:-1] == sorted(steps.pauses[:-1])
    assert max(steps.pauses) == LONGEST_PAUSE_SECONDS
    assert len(seen) == len(steps.pauses) + 1


def test_a_redis_that_is_away_for_a_while_is_asked_again(
    told: ToldLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    notification_id = told.accept(email())
    told.finish(told.claim(notification_id), {0: "d"}, [])
    get, asked = LedgerQueries.get, iter(range(100))

    def away_at_first(queries: LedgerQueries, wanted: str) -> Record | None:
        if next(asked) < 3:
            raise redis.ConnectionError
        return get(queries, wanted)

    monkeypatch.setattr(LedgerQueries, "get", away_at_first)
    steps = Steps()
    record = wait_for_end(
        told.queries,
        notification_id,
        60.0,
        progress=lambda *_: None,
        clock=lambda: steps.now,
        pause=steps.pause,
    )
    assert record is not None
    assert record.state == "delivered"
    assert len(steps.pauses) == 3


def test_at_a_terminal_progress_is_shown_and_wiped(notify: CommandLine) -> None:
    done = notify.terminal("send", "email", "--to", "a@b", "--message", "M", "--wait", "0.2")
    assert done.code == 5
    assert "ID=1 queued, " in done.out
    last = done.out.splitlines()[-1]
    assert last.split("\x1b[K")[-1] == "queued; `notify message show 1` tells more"
