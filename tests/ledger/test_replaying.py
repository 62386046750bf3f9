"""A dead letter that is opened again."""

from __future__ import annotations

import pytest

from tests.rigs.ledger_bench import MINUTE_MS, Bench


def test_a_replay_opens_who_was_refused_and_nobody_who_has_it(bench: Bench) -> None:
    bench.accept()
    bench.finish(bench.claim(), {0: "d", 1: "r"})
    assert bench.ledger.replay("n1", age_limit_ms=MINUTE_MS, by="ops", why="fixed") == ("replayed", "queued")
    record = bench.show()
    assert (record.state, record.outcomes, record.passes) == ("queued", ("delivered", "open"), 0)
    assert record.expires_at_ms == bench.clock.now_ms + MINUTE_MS
    assert record.timeline[-1]["verdict"] == "replayed"
    assert bench.ledger.purge(older_than_seconds=0) == (0, False)
    bench.finish(bench.claim(), {1: "d"})
    assert bench.show().state == "delivered"


def test_a_replay_of_what_may_arrive_twice_or_is_stale_must_be_told_so(bench: Bench) -> None:
    bench.accept("unsure")
    bench.finish(bench.claim("unsure"), {0: "d", 1: "x"})
    bench.accept("old", age_limit_ms=MINUTE_MS)
    bench.clock.advance(60)
    bench.ledger.sweep("normal", room=1)
    for name, state in (("unsure", "uncertain"), ("old", "expired")):
        assert bench.ledger.replay(name, age_limit_ms=1000, by="ops", why="x") == (state, state)
        told = bench.ledger.replay(
            name, age_limit_ms=1000, by="ops", why="x", even_expired=True, even_uncertain=True
        )
        assert told == ("replayed", "queued")


@pytest.mark.parametrize("state", ["queued", "delivered", "cancelled"])
def test_only_a_dead_letter_is_replayed(bench: Bench, state: str) -> None:
    bench.accept()
    if state == "delivered":
        bench.finish(bench.claim(), {0: "d", 1: "d"})
    elif state == "cancelled":
        bench.ledger.cancel("n1", by="ops")
    assert bench.ledger.replay("n1", age_limit_ms=1000, by="ops", why="x") == ("refused", state)
    assert bench.ledger.replay("nobody", age_limit_ms=1000, by="ops", why="x") == ("unknown", "")


def test_a_replay_asked_again_changes_nothing(bench: Bench) -> None:
    bench.accept()
    bench.finish(bench.claim(), {0: "r", 1: "r"})
    for _ in range(2):
        answer = bench.ledger.replay("n1", age_limit_ms=MINUTE_MS, by="ops", why="x", token="t")
        assert answer == ("replayed", "queued")
    assert [entry["verdict"] for entry in bench.show().timeline] == ["tried", "replayed"]
