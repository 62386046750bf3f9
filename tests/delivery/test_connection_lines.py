"""Those that find no connection wait in a line, and whoever is done with one takes the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.next_time import LOOK_IN_LINE_SECONDS
from tasks.delivery.room import ALONE_SECONDS, Room
from tasks.delivery.succession import LONGEST_SECONDS, deliver_one
from tasks.ledger.ledger import LEASE_SECONDS
from tests.rigs.another_worker import Another
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.side_by_side import IDS, ONCE, MakeBatch, got

SLOTS = 4


class Worker:
    """A worker with a connection, or without, and what became of what it made passes of.

    Attributes:
        told: What became of each, in order, but for the first where nobody followed it.
        called: The lines whose first was to be rung for.
    """

    def __init__(self, bench: Bench, deliverer: Deliverer, *, slots: int = SLOTS) -> None:
        self.others_wait = False
        self.room = Room(lambda: slots, others_wait=lambda: self.others_wait, clock=bench.seconds)
        self.told: list[tuple[str, str]] = []
        self.called: list[str] = []
        self.is_stopping = False
        self._bench = bench
        self._deliverer = deliverer

    def deliver(self, notification_id: str, *, for_long: bool = True) -> PassResult | None:
        return deliver_one(
            self._deliverer,
            notification_id,
            begin=lambda _id, _passes: None,
            end=lambda each, became: self.told.append((each, getattr(became, "state", repr(became)))),
            call=lambda freed: self.called.append(freed.line),
            stopping=lambda: self.is_stopping,
            room=self.room,
            for_long=for_long,
            draw=lambda: 1.0,
            clock=self._bench.seconds,
        )


@pytest.fixture
def holder(bench: Bench, primary: MailServer) -> Worker:
    """A worker that has the only connection there may be."""
    assert primary.port
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="before")
    assert bench.deliverer.deliver("before").state == "delivered"
    return Worker(bench, bench.deliverer)


@pytest.fixture
def wait(bench: Bench, another: Another) -> Callable[..., Sequence[str]]:
    """Have notifications find no connection in another worker."""

    def wait(*ids: str, **fields: object) -> Sequence[str]:
        for each in ids:
            bench.clock.advance(0.01)
            bench.accept_email(f"{each}@x.test", id=each, **fields)
            assert another.deliverer.deliver(each).lacks_connection
        return ids

    return wait


def taken(primary: MailServer) -> list[str]:
    return [recipient.partition("@")[0] for recipient in primary.got[1:]]


def states(bench: Bench, *ids: str) -> set[str]:
    return {str(bench.redis.hget(f"notify:n:{each}", "state")) for each in ids}


def test_whoever_is_done_with_a_connection_goes_on_with_the_first_in_line(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    wait("n2", "n3")
    wait("low", priority="low")
    bench.accept_email("mine@x.test", id="mine")
    wait("n4")
    assert holder.deliver("mine") is None
    assert taken(primary) == ["mine", "n2", "n3", "n4"], "what is low is of a lane that it never served"
    assert holder.told == [(each, "delivered") for each in ("mine", "n2", "n3", "n4")]
    assert primary.connections == 1
    assert states(bench, "low") == {"waiting"}


def test_one_alone_is_given_back_to_who_asked_for_it(bench: Bench, holder: Worker) -> None:
    bench.accept_email(id="mine")
    result = holder.deliver("mine")
    assert result is not None
    assert (result.state, holder.told) == ("delivered", [])


def test_without_a_limit_nobody_is_asked_who_waits(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert primary.port
    monkeypatch.delattr(Deliverer, "turn_in_line")
    bench.accept_email()
    result = Worker(bench, bench.deliverer).deliver(ID)
    assert result is not None
    assert result.state == "delivered"


def test_what_waits_in_line_looks_by_itself_now_and_then(
    bench: Bench, holder: Worker, another: Another
) -> None:
    assert holder.told == []
    bench.accept_email()
    bench.draw = 0.5
    assert another.deliverer.deliver(ID).wait_seconds == LOOK_IN_LINE_SECONDS * 1.5
    assert bench.record().passes == 0


def test_what_has_little_time_looks_after_half_of_it_and_goes_by_another_server_at_last(
    bench: Bench, primary: MailServer, secondary: MailServer, holder: Worker, another: Another
) -> None:
    assert holder.told == []
    # Another host is another account, without that limit.
    bench.set(secondary_email__server_name="localhost")
    bench.accept_email(expires=_in_seconds(bench, 6))
    waits = [another.deliverer.deliver(ID).wait_seconds]
    while bench.state() == "waiting":
        bench.wait()
        waits.append(another.deliverer.deliver(ID).wait_seconds)
    assert waits == [pytest.approx(3, abs=0.1), pytest.approx(1.5, abs=0.1), 1.0, 0.0]
    assert (bench.state(), len(primary.texts), secondary.got) == ("delivered", 1, ["a@x.test"])


def test_what_is_urgent_comes_again_at_once_and_is_the_first_in_line(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    bench.accept_email("urgent-before@x.test", id="urgent-before", priority="high")
    assert holder.deliver("urgent-before") is not None
    wait("n2", "n3")
    another = Another(bench, "w3")
    another.deliverer._places._slots = lambda: 0
    bench.accept_email("urgent@x.test", priority="high")
    another.deliverer._places.take(60)
    result = another.deliverer.deliver(ID)
    assert (result.lacks_connection, result.wait_seconds) == (True, 0.2)
    bench.accept_email("mine@x.test", id="mine")
    holder.deliver("mine")
    assert taken(primary)[1:] == ["mine", "urgent", "n2", "n3"]


def test_a_slot_is_left_to_others_in_its_time_unless_it_is_among_the_half_that_stays(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    def take_long() -> str:
        bench.clock.advance(LONGEST_SECONDS / 2)
        return "250 2.0.0 queued"

    ids = wait("n2", "n3", "n4", "n5")
    primary.answers["DOT"] = take_long
    bench.accept_email("mine@x.test", id="mine")
    with holder.room.staying() as first, holder.room.staying() as second:
        assert (first(), second()) == (True, True)
        holder.deliver("mine")
    assert taken(primary) == ["mine", "n2"]
    assert states(bench, *ids) == {"delivered", "waiting"}
    assert len(holder.called) == 1
    bench.accept_email("more@x.test", id="more")
    holder.deliver("more")
    assert taken(primary)[2:] == ["more", "n3", "n4", "n5"]
    assert len(holder.called) == 1, "nobody was left"


def test_what_a_broker_waits_for_is_at_its_end_in_its_time_however_many_are_in_line(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    def take_long() -> str:
        bench.clock.advance(LONGEST_SECONDS / 2)
        return "250 2.0.0 queued"

    wait("n2", "n3", "n4", "n5")
    primary.answers["DOT"] = take_long
    bench.accept_email("mine@x.test", id="mine")
    assert holder.deliver("mine", for_long=False) is None
    assert taken(primary) == ["mine", "n2"]
    assert len(holder.called) == 1


@pytest.mark.parametrize("others_wait", [True, False])
def test_a_worker_with_one_slot_leaves_it_where_others_wait_and_after_a_while_in_any_case(
    bench: Bench,
    primary: MailServer,
    holder: Worker,
    wait: Callable[..., Sequence[str]],
    *,
    others_wait: bool,
) -> None:
    def take_long() -> str:
        bench.clock.advance(LONGEST_SECONDS)
        return "250 2.0.0 queued"

    assert holder.told == []
    wait(*(f"n{number}" for number in range(2, 12)))
    primary.answers["DOT"] = take_long
    bench.accept_email("mine@x.test", id="mine")
    alone = Worker(bench, bench.deliverer, slots=1)
    alone.others_wait = others_wait
    alone.deliver("mine")
    assert len(taken(primary)) == (1 if others_wait else ALONE_SECONDS)
    assert len(alone.called) == 1


def test_who_is_to_end_takes_nobody(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    wait("n2")
    holder.is_stopping = True
    bench.accept_email("mine@x.test", id="mine")
    assert holder.deliver("mine") is not None
    assert taken(primary) == ["mine"]


def test_who_is_called_and_cannot_be_sent_keeps_nobody_behind_it_from_it(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    wait("n2", "n3", "n4")
    bench.ledger.cancel("n2", by="test")
    primary.answers["RCPT n3@x.test"] = "550 5.1.1 unknown"
    bench.accept_email("mine@x.test", id="mine")
    holder.deliver("mine")
    assert holder.told == [("mine", "delivered"), ("n3", "failed"), ("n4", "delivered")]


def test_where_the_connection_breaks_the_next_one_opens_another(
    bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    wait("n2", "n3")
    primary.answers["RCPT n2@x.test"] = "421 4.3.0 closing"
    bench.accept_email("mine@x.test", id="mine")
    holder.deliver("mine")
    assert holder.told == [("mine", "delivered"), ("n2", "waiting"), ("n3", "delivered")]
    assert (primary.connections, primary.most_open) == (3, 1), "n2 was tried by a fresh one too"


def test_a_batch_goes_on_with_those_in_line_after_its_own(
    batch_of: MakeBatch, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    ids = wait("x1", "x2", "x3")
    assert holder.told == []
    batch = batch_of(SLOTS)
    batch.accept()
    batch.run()
    assert set(ids) <= batch.became.keys()
    assert {batch.became[each] for each in ids} == {"delivered"}
    batch.run_until_delivered()
    assert {each: count for each, count in got(primary).items() if each in IDS} == ONCE
    assert primary.most_open == 1


@pytest.mark.parametrize("fault", [None, LookupError("the broker")])
def test_while_a_batch_goes_on_its_own_that_were_not_begun_are_put_back(
    batch_of: MakeBatch,
    bench: Bench,
    primary: MailServer,
    holder: Worker,
    wait: Callable[..., Sequence[str]],
    *,
    fault: Exception | None,
) -> None:
    ids = wait("x1", "x2", "x3")
    assert holder.told == []
    batch = batch_of(2)
    batch.accept()

    def take_long() -> str:
        bench.clock.advance(LONGEST_SECONDS)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = take_long
    left = batch.run(put_back_raises=fault)
    assert sorted([*left, *batch.became]) == sorted([*IDS, *ids])
    assert {batch.became[each] for each in ids} == {"delivered"}


def test_a_claim_that_was_lost_takes_none_along_that_was_taken_in_the_round_trip_that_told_so(
    batch_of: MakeBatch, bench: Bench, primary: MailServer, holder: Worker, wait: Callable[..., Sequence[str]]
) -> None:
    """A process that was stopped for longer than a lease lasts finds its passes with others."""
    ids = wait("x1", "x2")
    assert holder.told == []
    batch = batch_of(2)
    batch.accept()

    def stop_for_long() -> str:
        del primary.answers[step]
        bench.clock.advance(LEASE_SECONDS + 1)
        bench.ledger.sweep("normal", room=100)
        return "450 4.2.0 later"

    step = f"RCPT {IDS[0]}@x.test"
    primary.answers[step] = stop_for_long
    batch.run()
    assert states(bench, IDS[0]) == {"queued"}
    assert states(bench, *ids) == {"delivered"}


def _in_seconds(bench: Bench, seconds: float) -> str:
    return datetime.fromtimestamp(bench.clock.now_ms / 1000 + seconds, tz=UTC).isoformat()
