"""What strands ask of a real Redis goes together, and each has its own answer or its own error."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.commands.core import Script

from tasks.messenger import Messenger
from tasks.strands import Strands
from tests.rigs.asking_strands import GOOD, NAMES, Desk, Outcome

LONG = 60.0


def test_who_asks_while_answers_are_on_their_way_shares_the_next_write(desk: Desk) -> None:
    assert desk.ask(*NAMES) == GOOD
    # All of them asked before the first could be written.
    assert desk.writes == [len(NAMES)]


def test_what_is_asked_meanwhile_waits_for_the_answers_and_goes_together(desk: Desk) -> None:
    turns: list[Outcome] = []

    def three_turns(name: str) -> Callable[[], None]:
        return lambda: turns.extend(desk.trips.run_one(desk.echo, (f"{name}.{turn}",)) for turn in range(3))

    desk.together.run([three_turns(name) for name in NAMES])
    assert desk.writes == [len(NAMES)] * 3
    assert sorted(turns, key=str) == sorted([[f"{n}.{turn}", 1] for n in NAMES for turn in range(3)], key=str)


def test_what_several_ask_alike_is_asked_once_and_answers_them_all(desk: Desk) -> None:
    outcomes: list[list[Any]] = []
    alike = [(desk.echo, ("alike",)), (desk.fail, ())]
    desk.ask("x", script=desk.fail)
    desk.writes.clear()
    desk.together.run(
        [lambda n=name: outcomes.append(desk.trips.run([*alike, (desk.echo, (n,))])) for name in NAMES]  # type: ignore[misc]
    )
    assert desk.writes == [len(alike) + len(NAMES)]
    assert [(first, last) for first, _, last in outcomes] == [(["alike", 1], good) for good in GOOD]
    assert all(isinstance(refused, redis.ResponseError) for _, refused, _ in outcomes)


def test_one_alone_asks_at_once(desk: Desk) -> None:
    for name in NAMES:
        assert desk.ask(name) == [[name, 1]]
    assert desk.writes == [1] * len(NAMES)


def test_several_questions_of_one_are_answered_in_their_order_among_those_of_others(desk: Desk) -> None:
    answers: dict[int, list[Any]] = {}

    def asks(number: int) -> Callable[[], None]:
        def call() -> None:
            questions = [(desk.echo, (f"{number}.{place}",)) for place in range(number)]
            answers[number] = desk.trips.run(questions)

        return call

    desk.together.run([asks(number) for number in range(6)])
    assert answers == {number: [[f"{number}.{place}", 1] for place in range(number)] for number in range(6)}
    assert desk.writes == [sum(range(6))]


def test_threads_beside_the_strands_ask_for_themselves(desk: Desk) -> None:
    answers: list[Outcome] = []
    together = threading.Barrier(2)

    def thread() -> None:
        together.wait(LONG)
        answers.extend(desk.trips.run_one(desk.echo, (f"t{turn}",)) for turn in range(50))

    beside = threading.Thread(target=thread)
    beside.start()
    together.wait(LONG)
    for _ in range(10):
        assert desk.ask(*NAMES) == GOOD
    beside.join(LONG)
    assert answers == [[f"t{turn}", 1] for turn in range(50)]


def test_a_refusal_is_its_asker_s_alone(desk: Desk) -> None:
    outcomes: list[Outcome] = [None] * 3

    def asks(place: int, script: Script) -> Callable[[], None]:
        def call() -> None:
            try:
                outcomes[place] = desk.trips.run_one(script, (f"n{place}",))
            except redis.ResponseError as error:
                outcomes[place] = str(error)

        return call

    desk.ask("x", script=desk.fail)
    desk.writes.clear()
    desk.together.run([asks(0, desk.echo), asks(1, desk.fail), asks(2, desk.echo)])
    assert outcomes == [["n0", 1], "WRONG on purpose", ["n2", 1]]
    assert desk.writes == [3]


def test_a_server_that_forgot_the_scripts_learns_them_from_all_who_ask(
    desk: Desk, redis_server: redis.Redis
) -> None:
    redis_server.script_flush()
    assert desk.ask(*NAMES) == GOOD
    assert desk.writes == [len(NAMES)] * 2


def test_what_cannot_be_written_at_all_is_its_asker_s_error_and_nobody_else_s(desk: Desk) -> None:
    outcomes: dict[str, Outcome] = {}

    def asks(name: str, argument: Any) -> Callable[[], None]:
        def call() -> None:
            try:
                outcomes[name] = desk.trips.run_one(desk.echo, (argument,))
            except (redis.DataError, UnicodeEncodeError) as error:
                outcomes[name] = type(error)

        return call

    desk.together.run([asks("a", "a"), asks("none", None), asks("half", "\ud800"), asks("b", "b")])
    assert outcomes == {
        "a": ["a", 1],
        "none": redis.DataError,
        "half": UnicodeEncodeError,
        "b": ["b", 1],
    }


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_else_ends_an_exchange_reaches_all_who_asked_and_later_ones_are_asked(
    error: type[BaseException],
) -> None:
    together = Strands()
    is_broken = True

    def exchange(commands: Any) -> list[Any]:
        if is_broken:
            raise error("PLANTED")
        return list(commands)

    messenger = Messenger(together, exchange)
    outcomes: list[Outcome] = []

    def ask(name: str) -> Callable[[], None]:
        def call() -> None:
            try:
                outcomes.append(messenger.ask([(name,)]))
            except error as found:
                outcomes.append(str(found))

        return call

    together.run([ask("a"), ask("b")])
    is_broken = False
    together.run([ask("c"), ask("d")])
    together.close()
    assert outcomes == ["PLANTED", "PLANTED", [("c",)], [("d",)]]


def test_an_exchange_that_answers_too_little_leaves_nobody_waiting() -> None:
    together = Strands()
    messenger = Messenger(together, lambda _commands: [])
    ended: list[str] = []

    def ask() -> None:
        with contextlib.suppress(Exception):
            messenger.ask([("a",)])
        ended.append("ended")

    together.run([ask, ask])
    together.close()
    assert ended == ["ended"] * 2
