"""The passes of a batch side by side: each as if alone, whatever becomes of the ones beside it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from tasks.delivery.succession import LONGEST_SECONDS
from tasks.ledger import NotClaimed
from tasks.ledger.ledger import LEASE_SECONDS
from tasks.transports import opening
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.processes import wait_until
from tests.rigs.side_by_side import DELIVERED, IDS, LONG, ONCE, MakeBatch, got

# -- side by side


@pytest.mark.parametrize("slots", [1, 4, 8])
def test_each_is_delivered_once_over_no_more_connections_than_there_are_slots(
    batch_of: MakeBatch, primary: MailServer, slots: int
) -> None:
    batch = batch_of(slots)
    batch.accept()
    assert batch.run() == []
    assert batch.became == DELIVERED
    assert got(primary) == ONCE
    # By name: it may be another test's worker that looks for its server at a port which is ours by now.
    assert primary.commands.count("ehlo client.test") <= slots
    assert max(batch.beside) == slots


@pytest.mark.parametrize("slots, names", [(1, {"here"}), (4, {"strands"})])
def test_a_process_of_one_slot_has_no_other_thread_for_its_batches(
    batch_of: MakeBatch, primary: MailServer, slots: int, names: set[str]
) -> None:
    assert primary.port
    batch = batch_of(slots)
    batch.accept()
    threads: set[str] = set()

    def note() -> bool:
        threads.add(threading.current_thread().name)
        return False

    asker = threading.Thread(
        name="here",
        target=batch.run,
        kwargs={"stopping": note},
    )
    asker.start()
    asker.join(LONG)
    assert (batch.became, threads) == (DELIVERED, names)


def test_as_many_as_there_are_slots_are_at_the_server_at_once(
    batch_of: MakeBatch, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    together = threading.Barrier(4)

    def when_four_are_here() -> str:
        together.wait(LONG)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = when_four_are_here
    assert batch.run() == []
    assert batch.became == DELIVERED
    assert (primary.most_open, primary.connections) == (4, 4)


@pytest.mark.parametrize("step", ["RCPT n2@x.test", "DOT n2@x.test"])
def test_one_that_a_server_lets_wait_keeps_nobody_from_being_sent(
    batch_of: MakeBatch, primary: MailServer, step: str
) -> None:
    batch = batch_of(4)
    batch.accept()
    others = set(IDS) - {"n2"}

    def when_all_others_are_delivered() -> str:
        wait_until(lambda: batch.became.keys() >= others, what="all others being delivered")
        return "250 2.0.0 ok"

    primary.answers[step] = when_all_others_are_delivered
    assert batch.run() == []
    assert batch.became == DELIVERED
    assert list(batch.became)[-1] == "n2"


@pytest.mark.parametrize("step", ["resolve", "dial", "introduce"])
def test_a_connection_that_is_long_in_coming_keeps_nobody_from_going_on(
    batch_of: MakeBatch, primary: MailServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    batch = batch_of(4)
    batch.accept()
    first = iter([True])

    def hang_once(call: Callable[..., object], *arguments: object) -> object:
        if next(first, False):
            wait_until(lambda: len(batch.became) == len(IDS) - 1, what="all others being delivered")
        return call(*arguments)

    if step == "introduce":
        primary.answers["GREETING"] = partial(hang_once, lambda: None)  # type: ignore[assignment]
    else:
        monkeypatch.setattr(opening, step, partial(hang_once, getattr(opening, step)))
    assert batch.run() == []
    assert batch.became == DELIVERED
    assert got(primary) == ONCE


def test_one_that_is_refused_or_breaks_off_is_itself_alone(batch_of: MakeBatch, primary: MailServer) -> None:
    batch = batch_of(4)
    batch.accept()
    primary.answers |= {
        "RCPT n1@x.test": "550 5.1.1 unknown",
        "RCPT n3@x.test": "450 4.2.0 later",
        "DOT n5@x.test": "421 4.3.2 going down",
    }
    assert batch.run() == []
    assert batch.became == {**DELIVERED, "n1": "failed", "n3": "waiting", "n5": "waiting"}
    assert got(primary) == ONCE - Counter({"n1": 1, "n3": 1, "n5": 1})


def test_what_workers_died_over_is_made_one_at_a_time_and_all_of_it_in_one_batch(
    batch_of: MakeBatch, bench: Bench, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    for each in IDS:
        assert not isinstance(bench.ledger.claim(each, worker="dead"), NotClaimed)
    bench.clock.advance(LEASE_SECONDS + 1)
    assert len(bench.ledger.sweep("normal", room=100).suspects) == len(IDS)
    assert batch.run() == []
    assert batch.became == DELIVERED
    assert got(primary) == ONCE
    assert primary.commands.count("ehlo client.test") == 1


# -- what is left


def test_what_was_not_begun_when_time_was_over_is_left_and_nobody_holds_it(
    batch_of: MakeBatch, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()

    def take_long() -> str:
        batch.bench.clock.advance(LONGEST_SECONDS)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = take_long
    left = batch.run()
    assert sorted([*batch.became, *left]) == sorted(IDS)
    # Those side by side at that moment; whoever was claimed by then is made.
    assert 4 <= len(batch.became) <= 8
    assert left == [each for each in IDS if each in left]
    assert batch.states() == {each: "queued" if each in left else "delivered" for each in IDS}


def test_a_process_that_is_to_end_finishes_what_is_side_by_side_and_begins_nothing(
    batch_of: MakeBatch, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    left = batch.run(stopping=lambda: bool(batch.became))
    assert sorted([*batch.became, *left]) == sorted(IDS)
    assert len(batch.became) < len(IDS)
    assert batch.states() == {each: "queued" if each in left else "delivered" for each in IDS}
    assert got(primary) == Counter(batch.became.keys())
    assert batch.run(left, stopping=lambda: True) == left


@pytest.mark.parametrize("comers", ["passes that come by themselves", "another batch"])
def test_whoever_has_several_places_gives_way_where_others_come(
    batch_of: MakeBatch, primary: MailServer, comers: str
) -> None:
    batch = batch_of(4)
    batch.accept()
    coming, came = threading.Lock(), threading.Event()
    taken: list[int] = []
    others = [50] if comers == "another batch" else [1] * 3
    threads = [
        threading.Thread(target=lambda wanted=wanted: taken.append(batch.room.take(wanted)))
        for wanted in others
    ]

    def come() -> str:
        # Nobody is answered before they are there.
        with coming:
            if not came.is_set():
                came.set()
                for thread in threads:
                    thread.start()
                wait_until(lambda: batch.room._pressing == len(threads), what="all of them waiting")
        return "250 2.0.0 queued"

    def come_later() -> str:
        wait_until(lambda: batch.became.keys() >= set(IDS[:4]), what="the first ones being over")
        return "250 2.0.0 queued"

    primary.answers |= {"DOT": come, **{f"DOT {each}@x.test": come_later for each in IDS[4:]}}
    assert batch.run() == []
    assert batch.became == DELIVERED
    for thread in threads:
        thread.join(LONG)
    assert taken == [1] * len(others)
    assert max(batch.beside) == 4
    # Those that began before the first four were over aside.
    assert max(batch.beside[7:]) <= 4 - len(others)
    batch.room.leave(len(others))
    assert batch.room.take(50) == 4


def test_batches_of_several_threads_share_the_slots_and_lose_nothing(
    batch_of: MakeBatch, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    gate = threading.Barrier(3)
    left: list[str] = []

    def run(ids: Sequence[str]) -> None:
        gate.wait(LONG)
        left.extend(batch.run(ids))

    threads = [threading.Thread(target=run, args=(IDS[place::3],)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert left == []
    assert batch.became == DELIVERED
    assert got(primary) == ONCE
    assert max(batch.beside) <= 4
    assert batch.room.take(50) == 4


def test_places_are_given_back_where_no_strand_could_begin(
    batch_of: MakeBatch, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert primary.port
    batch = batch_of(4)
    batch.accept()

    def cannot(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", cannot)
        with pytest.raises(RuntimeError, match="new thread"):
            batch.run()
    assert batch.room.take(50) == 4
    batch.room.leave(4)
    assert batch.run() == []
    assert batch.became == DELIVERED
