"""The passes of a batch side by side: each as if alone, whatever becomes of the ones beside it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
import redis

from settings_store.keyring import Keyring
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks.delivery.batch import BATCH_SECONDS, deliver_many
from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.room import Room
from tasks.ledger import Ledger
from tasks.strands import Strands, aside
from tasks.transports import opening
from tasks.transports.idle_connections import Limits as IdleLimits
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.processes import wait_until
from tests.rigs.severable import severable

LONG = 60.0
IDS = tuple(f"n{number}" for number in range(1, 13))
DELIVERED = dict.fromkeys(IDS, "delivered")


def not_stopping() -> bool:
    return False


class Batch:
    """What a process has for its batches, and what became of them.

    Attributes:
        begun: Those that were begun, in order.
        became: What became of each that ended.
        beside: How many were under way when each was begun, itself included.
    """

    def __init__(self, bench: Bench, slots: int, *, deliverer: Deliverer | None = None) -> None:
        self.bench = bench
        self.room = Room(lambda: slots)
        self.strands = Strands()
        self.deliverer = deliverer or bench.deliverer
        self.begun: list[str] = []
        self.became: dict[str, str] = {}
        self.beside: list[int] = []
        self._under_way = 0

    def accept(self, *ids: str, **fields: object) -> None:
        for each in ids or IDS:
            self.bench.accept_email(f"{each}@x.test", id=each, **fields)

    def run(self, ids: Sequence[str] = IDS, *, stopping: Callable[[], bool] = not_stopping) -> list[str]:
        """Deliver; those that were not begun."""
        return deliver_many(
            self.deliverer,
            ids,
            begin=self._begin,
            end=self._end,
            stopping=stopping,
            room=self.room,
            strands=self.strands,
            draw=lambda: 1.0,
            clock=self.bench.seconds,
        )

    def run_until_delivered(self, *, most: int = 60) -> None:
        """Batch after batch, as the sweeper rings for them."""
        ids: Sequence[str] = IDS
        for _ in range(most):
            self.run(ids)
            ids = [each for each in IDS if self.became.get(each) != "delivered"]
            if not ids:
                return
            self.bench.clock.advance(5.0)
            for lane in ("high", "normal"):
                self.bench.ledger.sweep(lane, room=100)
        raise AssertionError(f"still open: {self.became}")

    def states(self) -> dict[str, str]:
        return {each: str(self.bench.redis.hget(f"notify:n:{each}", "state")) for each in IDS}

    def close(self) -> None:
        self.strands.close()

    def _begin(self, notification_id: str) -> None:
        self._under_way += 1
        self.begun.append(notification_id)
        self.beside.append(self._under_way)

    def _end(self, notification_id: str, result: PassResult | Exception) -> None:
        self._under_way -= 1
        self.became[notification_id] = getattr(result, "state", type(result).__name__)


@pytest.fixture
def batch_of(bench: Bench) -> Iterator[Callable[..., Batch]]:
    with contextlib.ExitStack() as ends:

        def make(slots: int, **more: Deliverer) -> Batch:
            made = Batch(bench, slots, **more)
            ends.callback(made.close)
            return made

        yield make


MakeBatch = Callable[..., Batch]


def got(*servers: MailServer) -> Counter[str]:
    """Whom the servers took a text over for, and how often."""
    return Counter(recipient.partition("@")[0] for server in servers for recipient in server.got)


ONCE = Counter(IDS)

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
    assert primary.commands.count("EHLO client.test") <= slots
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


# -- what is left


def test_what_was_not_begun_when_time_was_over_is_left_and_nobody_holds_it(
    batch_of: MakeBatch, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()

    def take_long() -> str:
        batch.bench.clock.advance(BATCH_SECONDS)
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
    came = threading.Event()
    taken: list[int] = []
    others = [50] if comers == "another batch" else [1] * 3
    threads = [
        threading.Thread(target=lambda wanted=wanted: taken.append(batch.room.take(wanted)))
        for wanted in others
    ]

    def come() -> str:
        if not came.is_set():
            came.set()
            for thread in threads:
                thread.start()
            wait_until(lambda: batch.room.is_crowded, what="somebody waiting for a place")
        return "250 2.0.0 queued"

    primary.answers["DOT"] = come
    assert batch.run() == []
    assert batch.became == DELIVERED
    for thread in threads:
        thread.join(LONG)
    assert taken == [1] * len(others)
    assert (max(batch.beside), batch.beside[-1]) == (4, 4 - len(others))
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


# -- limits, options, Redis


@pytest.mark.parametrize("follows", [True, False], ids=["behind texts", "one after another"])
@pytest.mark.parametrize("connections", [1, 2])
def test_few_connections_that_are_allowed_carry_all(
    batch_of: MakeBatch, bench: Bench, primary: MailServer, connections: int, *, follows: bool
) -> None:
    batch = batch_of(6)
    bench.set(limits__primary_email_connections=connections)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.02)
    if not follows:
        primary.offers = ("SIZE 10000000",)
    batch.accept()
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert primary.most_open == connections


@pytest.mark.parametrize("connections", [1, 3])
def test_whoever_finds_no_connection_leaves_the_rest_to_those_that_have_one(
    batch_of: MakeBatch, bench: Bench, primary: MailServer, connections: int
) -> None:
    slots = 6
    batch = batch_of(slots)
    bench.set(limits__primary_email_connections=connections)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.0)
    # None follows behind a text, so that nobody else comes to a connection.
    primary.offers = ("SIZE 10000000",)
    batch.accept()
    assert batch.run() == []
    became = Counter(batch.became.values())
    assert became["waiting"] <= slots - 1
    assert became["delivered"] == len(IDS) - became["waiting"]
    batch.run_until_delivered()
    assert got(primary) == ONCE


def test_what_is_urgent_has_the_only_connection_before_what_comes_with_it(
    batch_of: MakeBatch, bench: Bench, primary: MailServer
) -> None:
    def wait(seconds: float) -> None:
        bench.clock.advance(seconds)
        aside(lambda: time.sleep(0.001))

    batch = batch_of(4, deliverer=bench.new_deliverer(pause=wait))
    bench.set(limits__primary_email_connections=1)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.02)
    batch.accept(*IDS[:-1])
    batch.accept(IDS[-1], priority="high")
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert primary.most_open == 1


def test_options_that_change_in_the_middle_hold_for_whoever_was_not_sent_by_then(
    batch_of: MakeBatch, bench: Bench, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    with mail_server() as other:
        changed = threading.Lock()

        def change() -> str:
            if changed.acquire(blocking=False):
                bench.use(primary_email=other)
            return "250 2.0.0 queued"

        primary.answers["DOT"] = change
        assert batch.run() == []
        assert batch.became == DELIVERED
        assert got(primary, other) == ONCE
        assert 1 <= len(primary.texts) <= 4
        bench.close()


@pytest.fixture
def cut_off(
    redis_server: redis.Redis, valkey_url: str, keyring: Keyring, bench: Bench
) -> Iterator[tuple[Deliverer, Callable[[], None], list[float]]]:
    """A deliverer whose way to Redis can be cut; that is mended where it pauses for the third time."""
    assert redis_server is bench.redis
    pauses: list[float] = []
    with severable(valkey_url) as way:
        client = connect(f"redis://127.0.0.1:{way.port}/0", retries=0)
        store = SettingsStore(client, keyring=keyring)
        ledger = Ledger(client, revision_key=store.revision_key, clock=TEST_CLOCK)

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                way.mend()
            aside(lambda: time.sleep(0.001))

        yield bench.new_deliverer(ledger=ledger, store=store, pause=pause), way.cut, pauses
        client.close()


def test_a_redis_that_goes_away_in_the_middle_and_comes_back_loses_and_doubles_nothing(
    batch_of: MakeBatch,
    primary: MailServer,
    cut_off: tuple[Deliverer, Callable[[], None], list[float]],
) -> None:
    deliverer, cut, pauses = cut_off
    batch = batch_of(4, deliverer=deliverer)
    batch.accept()
    texts = iter(range(len(IDS)))

    def cut_at_the_fifth() -> str:
        if next(texts) == 4:
            cut()
        return "250 2.0.0 queued"

    primary.answers["DOT"] = cut_at_the_fifth
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert len(pauses) >= 3
    assert set(batch.states().values()) == {"delivered"}
