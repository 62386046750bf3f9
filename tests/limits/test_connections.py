"""Connections at once, case by case."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from tasks.limits import Allowance, Granted, Limits, LimitsChanged, Renewed, Slot, Wait, new_holder
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.limits_bench import ACCOUNT, Bench


def refused(bench: Bench, holder: str, *, worker: str = "w1") -> Wait:
    answer = bench.connect(holder, worker=worker)
    assert isinstance(answer, Wait), f"{worker} was given a connection"
    assert answer.limit == "connections"
    return answer


def called(bench: Bench, holder: str, *, worker: str) -> None:
    """Be refused as a message is that others call when they are done."""
    answer = bench.worker(worker).take(ACCOUNT, bench.allowance, holder=holder, is_called=True)
    assert isinstance(answer, Wait), f"{worker} was given a connection"


def test_so_many_connections_are_given_and_no_more(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}", worker=f"w{number}") for number in range(3)]
    assert slots[0] == Slot(ACCOUNT, "h0", "w0")
    answer = refused(bench, "h3", worker="w3")
    assert answer.at_ms == bench.clock.now_ms + 1_000
    assert answer.reason == "our own limit of connections at once"


def test_a_closed_connection_is_for_the_next(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    bench.worker().release(slots[:1])
    bench.worker().release(slots[:1])
    bench.connected("h3")
    refused(bench, "h4")


def test_asking_again_for_the_same_connection_gives_the_same(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    first = bench.connected("h1")
    stored = bench.stored()
    assert bench.connected("h1") == first
    assert bench.stored() == stored


def test_a_worker_that_is_not_heard_of_loses_its_connections(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    slot = bench.connected("h1")
    bench.clock.advance(29.999)
    refused(bench, "h2", worker="w2")
    bench.clock.advance(0.001)
    bench.connected("h2", worker="w2")
    assert bench.worker().renew([slot]).lost == {slot}
    assert bench.worker().should_yield(slot)
    refused(bench, "h1")


def test_a_connection_that_its_server_may_count_still_is_counted_a_little_longer(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    slot = bench.connected("h1")
    bench.worker().leave([slot])
    bench.clock.advance(4.999)
    refused(bench, "h2")
    bench.clock.advance(0.001)
    bench.connected("h2")
    bench.worker().leave([slot])
    bench.worker().release([slot])
    refused(bench, "h3")


def test_those_from_before_a_limit_are_counted_by_it_and_take_its_places_with_their_next_message(
    bench: Bench,
) -> None:
    slots = [bench.worker(f"w{number}").count(ACCOUNT, f"h{number}") for number in range(4)]
    bench.allowance = Allowance(connections=2)
    refused(bench, "new", worker="w9")
    assert bench.connected("h0", worker="w0") == slots[0]
    refused(bench, "new", worker="w9")
    assert bench.connected("h1", worker="w1") == slots[1]
    refused(bench, "h2", worker="w2")
    assert bench.worker("w3").renew(slots[3:]).yielding == set(slots[3:])
    bench.worker().release(slots[2:])
    refused(bench, "new", worker="w9")
    bench.worker().release(slots[:1])
    # Those that waited are forgotten.
    bench.clock.advance(3)
    bench.connected("new", worker="w9")


def test_a_lifted_limit_makes_nobody_yield(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    slots = [bench.connected("h1")]
    refused(bench, "h2", worker="w2")
    slots += [bench.worker().count(ACCOUNT, f"h{number}") for number in range(2, 6)]
    assert bench.worker().renew(slots).yielding == frozenset()


def test_who_goes_by_options_that_are_no_longer_those_of_today_takes_and_changes_nothing(
    bench: Bench,
) -> None:
    limits = Limits(bench.redis, worker="w1", clock=TEST_CLOCK, revision_key="options")
    bench.redis.hset("options", "revision", 7)
    limits.take(ACCOUNT, Allowance(6, 1), message="m0", holder="h0", revision=7)
    limits.take(ACCOUNT, Allowance(6, 1), message="m1", revision=7)
    stored = bench.stored()
    for ask in (
        lambda: limits.take(ACCOUNT, Allowance(30, 3), message="m2", holder="h2", revision=6),
        lambda: limits.count(ACCOUNT, "h2", revision=6),
    ):
        with pytest.raises(LimitsChanged):
            ask()
    assert bench.stored() == stored


def test_many_leases_of_many_accounts_are_renewed_at_once(bench: Bench) -> None:
    worker = bench.worker()
    slots = [bench.connected(f"h{number}") for number in range(3)]
    other = worker.take("another", bench.allowance, holder="h0")
    assert isinstance(other, Granted)
    assert other.slot is not None
    slots.append(other.slot)
    for _ in range(4):
        bench.clock.advance(20)
        renewed = worker.renew(slots)
        assert (renewed.lost, renewed.yielding) == (frozenset(), frozenset())
    assert worker.renew([]).lost == frozenset()
    worker.release([])
    refused(bench, "h3")


def test_a_lease_that_ran_out_is_given_again_where_there_is_room(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    bench.clock.advance(60)
    bench.connected("h9", worker="w2")
    renewed = bench.worker().renew(slots)
    assert len(renewed.lost) == 1
    refused(bench, "h8", worker="w3")


def test_a_message_over_a_connection_renews_its_lease(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=30, connections=1)
    for number in range(4):
        answer = bench.worker().take(ACCOUNT, bench.allowance, message=f"n{number}", holder="h1")
        assert answer == Granted(Slot(ACCOUNT, "h1", "w1"))
        bench.clock.advance(20)


def test_message_and_connection_are_taken_both_or_neither(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=6, connections=1)
    one, other = bench.worker("w1"), bench.worker("w2")
    slot = bench.connected("h1")
    # No connection: the message is not counted.
    for number in range(3):
        answer = other.take(ACCOUNT, bench.allowance, message=f"n{number}", holder="h2")
        assert isinstance(answer, Wait)
        assert answer.limit == "connections"
    assert one.take(ACCOUNT, bench.allowance, message="m0", holder="h1") == Granted(slot, must_yield=True)
    # No message: the connection is not held.
    one.release([slot])
    answer = other.take(ACCOUNT, bench.allowance, message="n0", holder="h2")
    assert answer == Wait("messages", bench.clock.now_ms + 10_000, 10.0)
    bench.clock.advance(3)
    bench.connected("h3", worker="w3")


def test_a_turn_is_kept_by_who_is_refused_a_connection_at_its_time(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=6, connections=1)
    one, other = bench.worker("w1"), bench.worker("w2")
    assert isinstance(one.take(ACCOUNT, bench.allowance, message="m0", holder="h1"), Granted)
    first = other.take(ACCOUNT, bench.allowance, message="n0", holder="h2")
    assert isinstance(first, Wait)
    assert first.limit == "messages"
    bench.clock.advance(10)
    second = other.take(ACCOUNT, bench.allowance, message="n0", holder="h2")
    assert isinstance(second, Wait)
    assert second.limit == "connections"
    one.release([Slot(ACCOUNT, "h1", "w1")])
    assert bench.send("newcomer") == 10_000
    bench.clock.advance(1)
    assert isinstance(other.take(ACCOUNT, bench.allowance, message="n0", holder="h2"), Granted)


def test_a_message_that_was_allowed_and_then_finds_no_connection_keeps_its_place(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=6, connections=1)
    one = bench.worker("w1")
    assert isinstance(one.take(ACCOUNT, bench.allowance, message="m0", holder="h1"), Granted)
    one.release([Slot(ACCOUNT, "h1", "w1")])
    slot = bench.connected("h2", worker="w2")
    bench.clock.advance(2)
    assert isinstance(one.take(ACCOUNT, bench.allowance, message="m0", holder="h3"), Wait)
    assert bench.send("newcomer") == 10_000
    bench.worker("w2").release([slot])
    assert isinstance(one.take(ACCOUNT, bench.allowance, message="m0", holder="h3"), Granted)


def test_those_refused_come_again_one_behind_the_other_and_within_a_minute(bench: Bench) -> None:
    bench.allowance = Allowance(connections=2)
    bench.connected("h1")
    bench.connected("h2")
    waits = [round(refused(bench, f"x{number}").wait_seconds * 1000) for number in range(4)]
    assert waits == [1_000, 1_050, 1_100, 1_150]
    for number in range(2_000):
        bench.connect(f"y{number}")
    assert refused(bench, "z").wait_seconds == 60


# -- sharing between workers


def test_nobody_is_asked_to_yield_while_nobody_waits(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    assert not any(bench.worker().should_yield(slot) for slot in slots)


def test_a_worker_is_not_asked_to_yield_for_its_own_threads(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "h3")
    assert not any(bench.worker().should_yield(slot) for slot in slots)


def test_as_many_are_asked_to_yield_as_others_wait_and_the_freed_one_is_theirs(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "x", worker="w2")
    refused(bench, "y", worker="w2")
    assert [bench.worker().should_yield(slot) for slot in slots] == [True, False, False]
    assert [bench.worker().should_yield(slot) for slot in slots] == [True, False, False]
    bench.worker().release(slots[:1])
    assert not bench.worker().should_yield(slots[1])
    refused(bench, "h3")
    bench.connected("x", worker="w2")


def test_the_grant_of_a_message_says_to_yield_after_it(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    slot = bench.connected("h1")
    refused(bench, "x", worker="w2")
    assert bench.connect("h1") == Granted(slot, must_yield=True)


def test_renewing_tells_which_idle_connections_others_wait_for(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "x", worker="w2")
    refused(bench, "y", worker="w3")
    renewed = bench.worker().renew(slots)
    assert (renewed.lost, len(renewed.yielding)) == (frozenset(), 2)
    assert renewed.yielding <= set(slots)


def test_for_who_is_called_by_others_a_connection_is_closed_only_where_it_idles(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    called(bench, "x", worker="w2")
    assert not any(bench.worker().should_yield(slot) for slot in slots)
    assert bench.connect("h0") == Granted(slots[0])
    renewed = bench.worker().renew(slots)
    assert (renewed.yielding, renewed.wanted) == (frozenset(), frozenset(slots))
    bench.clock.advance(3.0)
    assert bench.worker().renew(slots) == Renewed()


def test_for_who_is_called_by_others_nothing_is_set_aside(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    called(bench, "x", worker="w2")
    bench.worker().release(slots[:1])
    assert bench.worker().renew(slots[1:]) == Renewed(), "one is free"
    bench.connected("h3")


def test_who_is_called_may_wait_besides_and_then_others_yield(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "x", worker="w2")
    called(bench, "y", worker="w2")
    assert bench.worker().should_yield(slots[0])


def test_who_waits_is_remembered_for_a_moment_only(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "x", worker="w2")
    bench.clock.advance(2.9)
    assert bench.worker().should_yield(slots[0])
    bench.worker().release(slots[:1])
    refused(bench, "h3")
    bench.clock.advance(0.1)
    bench.connected("h3")
    assert not bench.worker().should_yield(slots[1])


def test_of_those_who_hold_as_few_the_one_that_waits_for_longest_is_first(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(3)]
    refused(bench, "x", worker="w9")
    bench.clock.advance(1)
    refused(bench, "y", worker="w2")
    bench.worker().release(slots[:1])
    refused(bench, "z", worker="w3")
    refused(bench, "y", worker="w2")
    bench.connected("x", worker="w9")


def test_one_more_or_less_is_no_reason_to_yield(bench: Bench) -> None:
    slots = [bench.connected(f"h{number}") for number in range(2)]
    bench.connected("x", worker="w2")
    refused(bench, "y", worker="w2")
    assert not any(bench.worker().should_yield(slot) for slot in slots)


def test_a_connection_told_to_close_and_then_given_again_is_not_told_any_more(bench: Bench) -> None:
    bench.allowance = Allowance(connections=1)
    slot = bench.connected("h1")
    refused(bench, "x", worker="w2")
    assert bench.worker().should_yield(slot)
    bench.clock.advance(31)
    assert bench.worker().renew([slot]).yielding == frozenset()


def test_a_connection_is_not_set_aside_for_a_worker_that_holds_more(bench: Bench) -> None:
    held = [bench.connected(f"h{number}", worker="w1") for number in range(2)]
    bench.connected("x", worker="w2")
    refused(bench, "h9", worker="w1")
    bench.worker().release(held[:1])
    bench.connected("y", worker="w3")


def test_shares_are_evened_out_and_then_left_alone(bench: Bench) -> None:
    bench.allowance = Allowance(connections=6)
    slots = [bench.connected(f"h{number}") for number in range(6)]
    kept = itertools.count()
    for _ in range(12):
        if isinstance(bench.connect(f"x{next(kept)}", worker="w2"), Granted):
            continue
        for slot in list(slots):
            if bench.worker().should_yield(slot):
                bench.worker().release([slot])
                slots.remove(slot)
    assert len(slots) == 3
    assert not any(bench.worker().should_yield(slot) for slot in slots)


def test_a_lowered_limit_makes_as_many_yield_as_are_too_many(bench: Bench) -> None:
    bench.allowance = Allowance(connections=5)
    slots = [bench.connected(f"h{number}") for number in range(5)]
    bench.allowance = Allowance(connections=3)
    refused(bench, "h5")
    yielding = [slot for slot in slots if bench.worker().should_yield(slot)]
    assert len(yielding) == 2
    bench.worker().release(yielding)
    assert bench.worker().renew(slots[2:]).yielding == frozenset()
    refused(bench, "h5")


def test_a_limit_taken_away_is_asked_no_more(bench: Bench) -> None:
    for number in range(3):
        bench.connected(f"h{number}")
    bench.allowance = Allowance(messages_per_minute=30)
    answer = bench.worker().take(ACCOUNT, bench.allowance, message="n", holder="h9")
    assert answer == Granted(None)


@pytest.mark.parametrize("connections, workers", [(1, 2), (1, 5), (3, 5), (3, 2), (2, 7)])
def test_every_worker_gets_its_share(bench: Bench, connections: int, workers: int) -> None:
    """Each has always something to send, asks once a second, and closes when it is told to."""
    bench.allowance = Allowance(connections=connections)
    held: dict[str, Slot | None] = {f"w{number}": None for number in range(workers)}
    sent: Counter[str] = Counter()
    seconds = 60
    for _ in range(seconds):
        for name, slot in held.items():
            worker = bench.worker(name)
            answer = bench.connect(slot.holder if slot else new_holder(), worker=name)
            if isinstance(answer, Wait):
                assert slot is None, "a connection that is held was lost"
                continue
            assert answer.slot is not None
            sent[name] += 1
            held[name] = answer.slot
            if worker.should_yield(answer.slot):
                worker.release([answer.slot])
                held[name] = None
        bench.clock.advance(1)
    fair = min(seconds * connections / workers, seconds)
    assert min(sent[name] for name in held) >= fair * 0.6, dict(sent)
    assert sum(sent.values()) >= seconds * min(connections, workers) * 0.8
