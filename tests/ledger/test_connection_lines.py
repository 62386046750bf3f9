"""Lines of those that wait for a connection: the first is taken by whoever has one."""

from __future__ import annotations

from tasks.ledger import Claim, NotClaimed
from tasks.ledger.records import new_token
from tasks.redis_question import ask
from tests.rigs.ledger_bench import Bench

LINE = "limit-connections-acc-3-f1"


def in_line(bench: Bench, name: str, **changes: object) -> None:
    bench.accept(name, **changes)
    bench.clock.advance(1)
    bench.finish(bench.claim(name), {}, delay_seconds=60, waits_for=(LINE,), counts_as_pass=False)


def first_of(bench: Bench, *lanes: str, token: str | None = None) -> Claim | NotClaimed:
    question = bench.ledger.claiming_first(
        LINE, lanes or ("normal",), worker="w2", token=token or new_token()
    )
    return ask(bench.ledger._scripts.trips, question, ())


def firsts(bench: Bench, *lanes: str) -> list[str]:
    ids = []
    while isinstance(claim := first_of(bench, *lanes), Claim):
        ids.append(claim.id)
    assert claim == NotClaimed("unknown")
    return ids


def test_the_first_in_a_line_is_taken_by_what_is_urgent_and_then_by_age(bench: Bench) -> None:
    in_line(bench, "low", priority="low", lane="low")
    for name in ("first", "second"):
        in_line(bench, name)
    in_line(bench, "urgent", priority="high", lane="high")
    in_line(bench, "files", lane="files")
    assert firsts(bench, "normal", "high", "low") == ["urgent", "first", "second", "low"]
    assert firsts(bench, "files") == ["files"]
    assert bench.show("urgent").state == "sending"
    assert bench.redis.keys("notify:outage*") == ["notify:outages"]


def test_many_of_a_lane_that_is_not_served_keep_nobody_behind_them_from_a_connection(bench: Bench) -> None:
    for number in range(50):
        in_line(bench, f"files-{number}", lane="files")
    in_line(bench, "fine")
    assert firsts(bench) == ["fine"]


def test_a_repeated_call_for_the_first_in_a_line_gives_the_same_one(bench: Bench) -> None:
    for name in ("first", "second"):
        in_line(bench, name)
    claim = first_of(bench, token="t")
    assert isinstance(claim, Claim)
    assert (claim.id, first_of(bench, token="t")) == ("first", claim)
    assert firsts(bench) == ["second"]


def test_in_a_line_those_are_passed_over_that_are_not_to_be_sent_or_tried_alone(bench: Bench) -> None:
    in_line(bench, "suspect")
    bench.redis.hset("notify:n:suspect", "lapses", 1)
    in_line(bench, "cancelled")
    in_line(bench, "late", expires_ms=bench.clock.now_ms + 5_000)
    in_line(bench, "fine")
    bench.ledger.cancel("cancelled", by="ops")
    bench.clock.advance(5)
    assert firsts(bench) == ["fine"]
    assert bench.show("suspect").state == bench.show("late").state == "waiting"


def test_what_waits_in_a_line_is_no_matter_of_newer_options(bench: Bench) -> None:
    in_line(bench, "first")
    assert bench.ledger.release_waiting(9) == 0
