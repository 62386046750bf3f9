"""Many notifications in one slot: each as if it had come alone, at two round trips to Redis for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from settings_store.keyring import Keyring
from tasks.delivery.batch import deliver_many
from tasks.delivery.deliverer import PassResult
from tasks.delivery.room import Room
from tasks.delivery.succession import LONGEST_SECONDS, SHORTEST_SECONDS
from tasks.strands import Strands
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.losing_ledger import Losing, WorkerDied

IDS = ["n1", "n2", "n3", "n4"]
Outcome = tuple[str, str]


def run(
    bench: Bench,
    *,
    ids: list[str] = IDS,
    stopping: Callable[[], bool] = lambda: False,
    begin: Callable[[str, int], None] = lambda _id, _passes: None,
    draw: float = 1.0,
    slots: int = 1,
) -> tuple[list[Outcome], list[str]]:
    """What became of each that was begun, and those that were not."""
    told: list[Outcome] = []

    def end(notification_id: str, result: PassResult | Exception) -> None:
        told.append((notification_id, getattr(result, "state", type(result).__name__)))

    strands, left = Strands(), list[str]()
    deliver_many(
        bench.deliverer,
        ids,
        begin=begin,
        end=end,
        put_back=left.extend,
        call=lambda _freed: None,
        stopping=stopping,
        room=Room(lambda: slots),
        strands=strands,
        draw=lambda: draw,
        clock=bench.seconds,
    )
    strands.close()
    return told, left


def accept(bench: Bench, *ids: str) -> None:
    for each in ids or IDS:
        bench.accept_email(f"{each}@x.test", id=each)


def asked(server: MailServer) -> list[str]:
    return [recipient.partition("@")[0] for recipient in server.asked]


def states(bench: Bench) -> list[str]:
    return [str(bench.redis.hget(f"notify:n:{each}", "state")) for each in IDS]


def test_each_is_delivered_once_in_order_over_one_connection(bench: Bench, primary: MailServer) -> None:
    accept(bench)
    told, left = run(bench)
    assert (told, left) == ([(each, "delivered") for each in IDS], [])
    assert (asked(primary), primary.connections) == (IDS, 1)


def test_a_delivery_takes_two_round_trips_and_the_first_one_more(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert primary.port
    accept(bench, "before")
    bench.deliverer.deliver("before")
    accept(bench)
    asked: list[object] = []
    send = redis.Connection.send_packed_command

    def count(self: redis.Connection, command: object, *rest: object, **more: object) -> None:
        asked.append(command)
        send(self, command, *rest, **more)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Connection, "send_packed_command", count)
    told, _ = run(bench)
    assert [state for _, state in told] == ["delivered"] * 4
    # An intent before each text; the end of each with the claim of the next.
    assert len(asked) == 1 + 2 * len(IDS)


def test_only_the_one_that_is_sent_is_claimed(bench: Bench, primary: MailServer) -> None:
    accept(bench)
    seen: list[list[str]] = []

    def look() -> str:
        seen.append(states(bench))
        return "250 2.0.0 queued"

    primary.answers["DOT"] = look
    run(bench)
    assert seen == [["delivered"] * sent + ["sending"] + ["queued"] * (3 - sent) for sent in range(4)]


def test_what_a_slow_server_leaves_no_time_for_is_left_to_others(bench: Bench, primary: MailServer) -> None:
    accept(bench)

    def take_long() -> str:
        bench.clock.advance(LONGEST_SECONDS)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = take_long
    told, left = run(bench)
    assert (told, left) == ([("n1", "delivered")], ["n2", "n3", "n4"])
    assert states(bench) == ["delivered", "queued", "queued", "queued"]


@pytest.mark.parametrize("draw, begun", [(0.0, 1), (0.5, 2), (1.0, 3)])
def test_chance_decides_how_long_a_batch_lasts_so_that_slots_get_free_one_by_one(
    bench: Bench, primary: MailServer, draw: float, begun: int
) -> None:
    accept(bench)

    def take_long() -> str:
        bench.clock.advance((SHORTEST_SECONDS + LONGEST_SECONDS) / 3)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = take_long
    told, left = run(bench, draw=draw)
    assert (len(told), len(left)) == (begun, len(IDS) - begun)


def test_a_process_that_is_to_end_finishes_what_it_holds_and_begins_nothing(
    bench: Bench, primary: MailServer
) -> None:
    assert primary.port
    accept(bench)
    begun: list[str] = []
    told, left = run(bench, begin=lambda each, _passes: begun.append(each), stopping=lambda: len(begun) >= 2)
    assert (told, left) == ([("n1", "delivered"), ("n2", "delivered")], ["n3", "n4"])
    assert states(bench) == ["delivered", "delivered", "queued", "queued"]
    assert run(bench, stopping=lambda: True) == ([], IDS)


def test_what_is_not_to_be_sent_keeps_nobody_from_being_sent(bench: Bench, primary: MailServer) -> None:
    accept(bench, "n1", "n3", "n4")
    bench.ledger.cancel("n1", by="test")
    assert not isinstance(bench.ledger.claim("n3", worker="other"), str)
    told, left = run(bench)
    assert told == [("n1", "cancelled"), ("n2", "unknown"), ("n3", "sending"), ("n4", "delivered")]
    assert (asked(primary), left) == (["n4"], [])


def test_one_that_is_refused_or_waits_is_itself_alone(bench: Bench, primary: MailServer) -> None:
    accept(bench)
    primary.answers |= {"RCPT n1@x.test": "550 5.1.1 unknown", "RCPT n3@x.test": "450 4.2.0 later"}
    told, _ = run(bench)
    assert [state for _, state in told] == ["failed", "delivered", "waiting", "delivered"]


def test_options_that_change_in_the_middle_hold_for_the_next(bench: Bench, primary: MailServer) -> None:
    accept(bench)
    with mail_server() as other:

        def change() -> str:
            if len(primary.texts) == 1:
                bench.use(primary_email=other)
            return "250 2.0.0 queued"

        primary.answers["DOT"] = change
        told, _ = run(bench)
        assert [state for _, state in told] == ["delivered"] * 4
        assert (asked(primary), asked(other)) == (
            ["n1", "n2", "n3"][: len(primary.texts)],
            IDS[len(primary.texts) :],
        )
        assert len(primary.texts) == 2
        bench.close()


@pytest.fixture
def losing(redis_server: redis.Redis, keyring: Keyring) -> Iterator[tuple[Bench, Losing]]:
    ledger = Losing(redis_server)
    bench = Bench(redis_server, keyring, worker_ledger=ledger, pause=ledger.pauses.append)
    with mail_server() as server:
        bench.use(primary_email=server)
        yield bench, ledger
        bench.close()


@pytest.mark.parametrize("loss", ["before", "after"])
def test_an_end_whose_reply_is_lost_is_told_again_and_the_next_is_claimed_once(
    losing: tuple[Bench, Losing], loss: str
) -> None:
    bench, ledger = losing
    accept(bench)
    ledger.losses["finish"] = [None, loss, loss]  # type: ignore[list-item]
    told, left = run(bench)
    assert (told, left) == ([(each, "delivered") for each in IDS], [])
    assert len(ledger.pauses) == 2
    assert {int(str(bench.redis.hget(f"notify:n:{each}", "attempts"))) for each in IDS} == {1}


@pytest.mark.parametrize("call", ["claim", "finish"])
def test_a_pass_that_crashes_ends_no_other(losing: tuple[Bench, Losing], call: str) -> None:
    bench, ledger = losing
    accept(bench)
    ledger.losses[call] = ["dies before"]
    told, left = run(bench)
    assert (told, left) == (
        [("n1", WorkerDied.__name__), *((each, "delivered") for each in IDS[1:])],
        [],
    )


@pytest.mark.parametrize("slots", [1, 4])
def test_one_whose_claim_went_astray_when_time_was_over_is_left_with_the_others(
    losing: tuple[Bench, Losing], monkeypatch: pytest.MonkeyPatch, slots: int
) -> None:
    bench, ledger = losing
    accept(bench)

    def die(*_arguments: object, **_named: object) -> None:
        # The turn of the next one was taken already, to be asked for in this very round trip.
        bench.clock.advance(LONGEST_SECONDS)
        raise WorkerDied

    monkeypatch.setattr(ledger, "finish", die)
    # One more than there are slots, and others behind it.
    ids = [*IDS, "n5", "n6"]
    accept(bench, "n5", "n6")
    told, left = run(bench, ids=ids, slots=slots)
    assert {became for _, became in told} == {WorkerDied.__name__}
    assert sorted(each for each, _ in told) + left == ids
    assert len(told) == slots


def test_who_hears_and_fails_keeps_nobody_from_being_sent(
    bench: Bench, primary: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    accept(bench)

    def fail(_notification_id: str, _passes: int) -> None:
        raise RuntimeError("PLANTED words")

    told, _ = run(bench, begin=fail)
    assert (told, len(primary.texts)) == ([(each, "delivered") for each in IDS], 4)
    assert "untold error=RuntimeError" in caplog.text
    assert "PLANTED" not in caplog.text


def test_nothing_to_do_is_done(bench: Bench) -> None:
    assert run(bench, ids=[]) == ([], [])
