"""What is used of the limits, as people see it."""

from __future__ import annotations

import pytest

from tasks.limits import Allowance, Usage, Usages
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.limits_bench import ACCOUNT, Bench


@pytest.fixture
def usages(bench: Bench) -> Usages:
    return Usages(bench.redis, clock=TEST_CLOCK)


def test_an_account_that_nobody_used_uses_nothing(bench: Bench, usages: Usages) -> None:
    assert usages.of(set()) == {}
    assert usages.of({ACCOUNT, "another"}) == {ACCOUNT: Usage(), "another": Usage()}
    assert bench.stored() == {}


def test_messages_count_for_a_minute_and_those_with_a_turn_wait(bench: Bench, usages: Usages) -> None:
    bench.allowance = Allowance(messages_per_minute=6)
    assert bench.send("m0") == 0
    waits = [bench.send(f"m{number}", worker=f"w{number}") for number in (1, 2)]
    assert waits == [10_000, 20_000]
    assert usages.of({ACCOUNT})[ACCOUNT] == Usage(messages=1, messages_waiting=2)
    bench.clock.advance(10)
    assert bench.send("m1") == 0
    assert usages.of({ACCOUNT})[ACCOUNT] == Usage(messages=2, messages_waiting=1)
    bench.clock.advance(49.999)
    assert usages.of({ACCOUNT})[ACCOUNT].messages == 2
    bench.clock.advance(0.001)
    assert usages.of({ACCOUNT})[ACCOUNT] == Usage(messages=1), "m2 is no longer awaited"


def test_connections_count_while_their_lease_lasts_and_workers_that_were_refused_wait(
    bench: Bench, usages: Usages
) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    for worker in ("w2", "w3"):
        bench.connect("x", worker=worker)
    assert usages.of({ACCOUNT, "another"}) == {
        ACCOUNT: Usage(connections=3, workers_waiting=2),
        "another": Usage(),
    }
    bench.worker().release(slots[:1])
    bench.clock.advance(3)
    assert usages.of({ACCOUNT})[ACCOUNT] == Usage(connections=2)
    bench.clock.advance(27)
    assert usages.of({ACCOUNT})[ACCOUNT] == Usage()


def test_to_look_changes_nothing(bench: Bench, usages: Usages) -> None:
    bench.allowance = Allowance(messages_per_minute=6, connections=1)
    bench.connected("h1")
    bench.connect("x", worker="w2")
    bench.send("m0")
    bench.send("m1")
    bench.clock.advance(31)
    stored = bench.stored()
    assert stored
    usages.of({ACCOUNT})
    assert bench.stored() == stored, "not even what ran out is tidied away"


def test_other_installations_do_not_count(bench: Bench) -> None:
    bench.connected("h1")
    assert Usages(bench.redis, prefix="other").of({ACCOUNT})[ACCOUNT] == Usage()
