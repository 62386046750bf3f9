"""What is accepted, once, and rung for."""

from __future__ import annotations

from tasks.ledger import Entry, NotClaimed
from tests.rigs.ledger_bench import MINUTE_MS, Bench


def test_the_same_id_with_the_same_content_is_accepted_once(bench: Bench) -> None:
    entry = bench.accept()
    again = bench.ledger.accept(entry, ring=True)
    assert (again.status, again.id, again.number) == ("same", "n1", 1)
    assert bench.queries.page().total == 1


def test_the_same_id_with_other_content_is_refused(bench: Bench) -> None:
    bench.accept()
    other = Entry("n1", "another digest", "email", "normal", "{}", 1, MINUTE_MS)
    assert bench.ledger.accept(other, ring=True).status == "conflict"


def test_an_idempotency_key_answers_with_the_first_id_and_refuses_other_content(bench: Bench) -> None:
    bench.accept("n1", key="k", digest="d")
    same = bench.ledger.accept(Entry("n2", "d", "email", "normal", "{}", 1, MINUTE_MS, key="k"), ring=True)
    assert (same.status, same.id) == ("same", "n1")
    other = bench.ledger.accept(Entry("n3", "e", "email", "normal", "{}", 1, MINUTE_MS, key="k"), ring=True)
    assert (other.status, other.id) == ("conflict", "n1")


def test_numbers_rise_by_one_and_find_their_record(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.accept(name)
    found = bench.queries.find("2")
    assert found is not None
    assert found.id == "b"
    assert bench.queries.find("4") is None


def test_tokens_without_a_value_are_said_in_the_timeline(bench: Bench) -> None:
    bench.accept(unknown_tokens=("job", "other"))
    assert [entry["reason"] for entry in bench.show().timeline] == ["no value for [[job]], [[other]]"]


def test_what_expired_before_it_came_is_not_recorded(bench: Bench) -> None:
    entry = Entry("n1", "d", "email", "normal", "{}", 1, MINUTE_MS, expires_ms=bench.clock.now_ms)
    assert bench.ledger.accept(entry, ring=True).status == "expired"
    assert bench.queries.get("n1") is None


def test_many_are_accepted_each_by_itself(bench: Bench) -> None:
    first = bench.accept("a")
    conflict = Entry("a", "other", "email", "normal", "{}", 1, MINUTE_MS)
    fresh = Entry("b", "digest", "email", "normal", "{}", 1, MINUTE_MS)
    answers = bench.ledger.accept_many([first, conflict, fresh], ring=True)
    assert [answer.status for answer in answers] == ["same", "conflict", "accepted"]


def test_a_bell_not_answered_is_rung_again(bench: Bench) -> None:
    bench.accept()
    assert bench.ledger.sweep("normal", room=10).ring == ()
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 0),)
    assert bench.ledger.sweep("normal", room=10).ring == ()


def test_without_room_in_the_queue_nothing_is_rung(bench: Bench) -> None:
    bench.accept()
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=0).ring == ()
    assert bench.ledger.sweep("normal", room=1).ring == (("n1", 0),)


def test_not_before_waits_and_no_stray_message_starts_it_early(bench: Bench) -> None:
    bench.accept(not_before_ms=bench.clock.now_ms + MINUTE_MS)
    assert bench.show().state == "waiting"
    assert bench.ledger.claim("n1", worker="w1") == NotClaimed("waiting")
    bench.clock.advance(60)
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 0),)
    assert bench.claim().number == 1
