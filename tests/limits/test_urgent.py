"""What is urgent goes before all that wait for their turn."""

from __future__ import annotations

from tasks.limits import Allowance, Granted, Wait
from tests.rigs.limits_bench import ACCOUNT, Bench


def ask(bench: Bench, message: str, *, urgent: bool, holder: str = "", worker: str = "w1") -> Granted | Wait:
    return bench.worker(worker).take(ACCOUNT, bench.allowance, message=message, holder=holder, urgent=urgent)


def line_up(bench: Bench, count: int) -> None:
    """So many ask; each but the first few gets a turn, one behind the other."""
    for number in range(count):
        bench.send(f"m{number}")


def test_it_goes_at_once_where_a_hundred_have_a_turn_and_a_place_is_left(bench: Bench) -> None:
    line_up(bench, 100)
    assert bench.send("ordinary") > 150_000
    assert ask(bench, "alert", urgent=True) == Granted()


def test_each_of_many_goes_within_seconds_while_all_places_are_taken_for_minutes(bench: Bench) -> None:
    due = {f"m{number}": bench.clock.now_ms for number in range(200)}
    asked_at: dict[str, int] = {}
    waits: list[int] = []
    for second in range(180):
        if second % 6 == 0 and second < 174:
            due[f"alert{second}"] = asked_at[f"alert{second}"] = bench.clock.now_ms
        # Who comes at the same moment comes in any order; here what is urgent comes last.
        for name in sorted((each for each, at in due.items() if at <= bench.clock.now_ms), reverse=True):
            wait = bench.send(name, urgent=name in asked_at)
            if wait:
                due[name] = bench.clock.now_ms + wait
                continue
            del due[name]
            if name in asked_at:
                waits.append(bench.clock.now_ms - asked_at[name])
        bench.clock.advance(1)
    assert len(waits) == 29
    assert max(waits) <= 6_000, "no longer than a window of the pace"
    assert len(due) > 100, "the others fill every place that is left"


def test_who_is_displaced_goes_a_moment_later(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=6)
    assert bench.send("m0") == 0
    assert bench.send("m1") == 10_000
    bench.clock.advance(10)
    assert ask(bench, "alert", urgent=True) == Granted()
    wait = bench.send("m1")
    assert 0 <= wait <= 10_000
    bench.clock.advance(wait / 1000 + 0.001)
    assert bench.send("m1") == 0


def test_it_stands_in_no_line_for_a_connection(bench: Bench) -> None:
    bench.allowance = Allowance(connections=2)
    bench.connected("h1")
    bench.connected("h2")
    for number in range(2_000):
        bench.connect(f"y{number}")
    answer = ask(bench, "", urgent=True, holder="alert")
    assert isinstance(answer, Wait)
    assert answer.limit == "connections"
    assert answer.wait_seconds <= 1
