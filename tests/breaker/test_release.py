"""How what waited for a server is let go when it recovers."""

from __future__ import annotations

import pytest

from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench

MANY = 1_000_000


def allowance(bench: Bench, wanted: int = MANY) -> int:
    return bench.breaker.release_allowance(FINGERPRINT, wanted)


def recover(bench: Bench) -> None:
    bench.open()
    bench.probe(ok=True)


def test_a_server_that_was_never_in_trouble_holds_nobody_back(bench: Bench) -> None:
    assert allowance(bench) == MANY
    bench.report(Verdict.DELIVERED)
    assert allowance(bench) == MANY


def test_nobody_is_released_while_the_server_is_passed_over(bench: Bench) -> None:
    bench.open()
    assert allowance(bench) == 0
    bench.clock.advance(5)
    bench.breaker.take_probe(FINGERPRINT, "p1")
    assert allowance(bench) == 0


def test_ten_a_second_double_each_five_seconds_until_there_is_no_limit(bench: Bench) -> None:
    recover(bench)
    released = [allowance(bench)]
    for _ in range(30):
        bench.clock.advance(1)
        released.append(allowance(bench))
    assert released == [10] * 6 + [20] * 5 + [40] * 5 + [80] * 5 + [160] * 5 + [320] * 4 + [MANY]


def test_what_nobody_wanted_does_not_pile_up_into_a_flood(bench: Bench) -> None:
    recover(bench)
    bench.clock.advance(4)
    assert allowance(bench) == 10
    bench.clock.advance(20)
    assert allowance(bench) == 160


@pytest.mark.parametrize("steps_per_second", [3, 10])
def test_asking_more_often_does_not_give_more(bench: Bench, steps_per_second: int) -> None:
    recover(bench)
    given = allowance(bench)
    for _ in range(20 * steps_per_second):
        bench.clock.advance(1 / steps_per_second)
        given += allowance(bench)
    assert 10 + 5 * (10 + 20 + 40 + 80) - 20 <= given <= 10 + 5 * (10 + 20 + 40 + 80)


def test_no_more_is_given_than_is_wanted_and_the_rest_remains(bench: Bench) -> None:
    recover(bench)
    assert [allowance(bench, 4), allowance(bench, 4), allowance(bench, 4), allowance(bench, 4)] == [
        4,
        4,
        2,
        0,
    ]


def test_a_lost_reply_asked_again_gets_the_same_number(bench: Bench) -> None:
    recover(bench)
    scripts = bench.breaker._scripts
    answers = [scripts.run("release", FINGERPRINT, 7, "the same call") for _ in range(3)]
    assert [*answers, allowance(bench)] == [7, 7, 7, 3]


def test_a_server_that_fails_again_begins_anew(bench: Bench) -> None:
    recover(bench)
    bench.clock.advance(25)
    assert allowance(bench) > 100
    recover(bench)
    assert allowance(bench) == 10


def test_a_delivery_that_closes_it_paces_as_well(bench: Bench) -> None:
    bench.open()
    bench.report(Verdict.DELIVERED)
    assert allowance(bench) == 10
