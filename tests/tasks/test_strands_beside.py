"""Strands and what is beside them: calls in other threads, contexts, other askers, ends and children."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import itertools
import os
import socket
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from settings_store.logs import bound
from settings_store.logs.event_log import bound_now
from tasks.strands import (
    Strands,
    StrandsEnded,
    aside,
    strands,
    wait_until_readable,
)
from tests.rigs.processes import wait_until

#: Longer than any test takes: what waits so long waits for something else.
LONG = 60.0

Pair = tuple[socket.socket, socket.socket]


# -- aside


def test_what_waits_by_itself_is_made_aside_and_others_go_on(together: Strands) -> None:
    others_went_on = threading.Event()
    answers: list[object] = []
    together.run([lambda: answers.append(aside(lambda: others_went_on.wait(LONG))), others_went_on.set])
    assert answers == [True]


def test_many_at_once_are_aside(together: Strands) -> None:
    count = 40
    gate = threading.Barrier(count)
    threads: set[int] = set()
    back: set[int] = set()

    def call() -> None:
        threads.add(aside(lambda: (gate.wait(LONG), threading.get_ident())[1]))
        back.add(threading.get_ident())

    together.run([call] * count)
    assert (len(threads), len(back)) == (count, 1)


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_what_is_raised_aside_is_raised_in_the_strand(together: Strands, error: type[BaseException]) -> None:
    def fail() -> NoReturn:
        raise error("there")

    caught: list[str] = []

    def call() -> None:
        try:
            aside(fail)
        except error as found:
            caught.append(str(found))

    together.run([call])
    assert caught == ["there"]


def test_aside_is_no_strand_and_outside_of_one_it_is_here(together: Strands) -> None:
    found: list[object] = [aside(threading.get_ident)]
    together.run([lambda: found.append(aside(strands))])
    assert found == [threading.get_ident(), None]


# -- whose it is

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


def test_each_has_the_context_of_who_asked_and_keeps_its_own(together: Strands, pair: Pair) -> None:
    near, far = pair
    told: list[str] = []

    def call(name: str) -> Callable[[], None]:
        def made() -> None:
            told.append(NAME.get())
            NAME.set(name)
            wait_until_readable(near, LONG)
            told.append(NAME.get())
            told.append(aside(NAME.get))

        return made

    token = NAME.set("asker")
    together.run([call("a"), call("b"), far.close])
    assert told[:2] == ["asker", "asker"]
    assert sorted(told[2:]) == ["a", "a", "b", "b"]
    assert NAME.get() == "asker"
    NAME.reset(token)


def test_what_logs_say_of_one_is_said_of_no_other(together: Strands, pair: Pair) -> None:
    near, far = pair
    said: list[tuple[str, object]] = []

    def call(name: str) -> Callable[[], None]:
        def made() -> None:
            with bound({"notification": name}):
                wait_until_readable(near, LONG)
                said.append((name, bound_now().get("notification")))
                together.begin(lambda: said.append((name, bound_now().get("notification"))))
            said.append((f"after {name}", bound_now().get("notification")))

        return made

    together.run([call("a"), call("b"), far.close])
    together.run([lambda: said.append(("later", bound_now().get("notification")))])
    assert sorted(said, key=str) == sorted(
        [
            ("a", "a"),
            ("a", "a"),
            ("b", "b"),
            ("b", "b"),
            ("after a", None),
            ("after b", None),
            ("later", None),
        ],
        key=str,
    )


# -- threads, ends and children


def test_many_threads_run_them_at_once(together: Strands) -> None:
    threads, turns = 8, 25
    gate = threading.Barrier(threads)
    done: list[tuple[int, int]] = []

    def run(number: int) -> None:
        gate.wait(LONG)
        for turn in range(turns):
            with contextlib.ExitStack() as ends:
                near, far = (ends.enter_context(each) for each in socket.socketpair())
                together.run([functools.partial(wait_until_readable, near, LONG), far.close])
            done.append((number, turn))

    at_work = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join(LONG)
    assert sorted(done) == list(itertools.product(range(threads), range(turns)))
    assert [each.name for each in threading.enumerate()].count("strands") == 1


def test_they_are_closed_and_run_again(together: Strands) -> None:
    before = threading.active_count()
    done: list[int] = []
    for number in range(3):
        together.run([functools.partial(done.append, number)])
        assert threading.active_count() == before + 1
        together.close()
        assert threading.active_count() == before
    together.close()
    assert done == [0, 1, 2]


def test_who_waits_for_strands_that_are_closed_is_told_and_another_run_is_not_disturbed(
    together: Strands, pair: Pair
) -> None:
    is_aside, may_end, is_waiting = threading.Event(), threading.Event(), threading.Event()
    told: list[str] = []

    def wait() -> None:
        is_waiting.set()
        wait_until_readable(pair[0], LONG)
        told.append("went on")

    def wait_here() -> None:
        is_aside.set()
        may_end.wait(LONG)

    def wait_aside() -> None:
        aside(wait_here)
        told.append("went on")

    def run() -> None:
        try:
            together.run([wait, wait_aside])
        except StrandsEnded:
            told.append("told")

    asker = threading.Thread(target=run)
    asker.start()
    assert is_aside.wait(LONG)
    assert is_waiting.wait(LONG)
    together.close()
    asker.join(LONG)
    assert told == ["told"]
    together.run([lambda: told.append("again")])
    may_end.set()
    wait_until(lambda: all(each.name != "meanwhile" for each in threading.enumerate()), what="its end")
    together.run([lambda: told.append("and again")])
    assert told == ["told", "again", "and again"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_where_their_thread_breaks_nobody_waits_for_ever_and_the_next_have_another(
    pair: Pair,
) -> None:
    def break_down() -> float:
        raise OSError("PLANTED")

    is_broken = False

    def clock() -> float:
        return break_down() if is_broken else 0.0

    together = Strands(clock=clock)

    def wait() -> None:
        assert not wait_until_readable(pair[0], LONG)

    def spoil() -> None:
        nonlocal is_broken
        is_broken = True

    with pytest.raises(StrandsEnded):
        together.run([wait, spoil])
    is_broken = False
    done: list[None] = []
    together.run([lambda: done.append(None)])
    together.close()
    assert done == [None]


def test_a_child_of_a_fork_has_strands_of_its_own(together: Strands, pair: Pair) -> None:
    near, far = pair
    together.run([lambda: None])
    child = os.fork()
    if child == 0:
        found: list[bool] = []
        try:
            own = Strands()
            own.run([lambda: found.append(wait_until_readable(near, LONG))])
            own.close()
        finally:
            os._exit(0 if found == [True] and strands() is None else 1)
    far.send(b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    done: list[None] = []
    together.run([lambda: done.append(None)])
    assert done == [None]
