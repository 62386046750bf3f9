"""Calls that take turns in one thread, over real sockets; where they wait for time, a clock stands for it."""

from __future__ import annotations

import contextlib
import fcntl
import resource
import socket
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from tasks.strands import (
    READABLE,
    WRITABLE,
    Strands,
    strands,
    wait_until_readable,
    wait_until_writable,
)

#: Longer than any test takes: what waits so long waits for something else.
LONG = 60.0
BEYOND_SELECT = 1_024

Pair = tuple[socket.socket, socket.socket]


def fill(peer: socket.socket) -> None:
    """Write until it takes no more."""
    with contextlib.suppress(BlockingIOError):
        while True:
            peer.send(bytes(65_536))


def drain(peer: socket.socket, count: int = 65_536) -> None:
    """Read until there is nothing."""
    peer.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while peer.recv(count):
            pass


# -- turns


def test_each_goes_on_until_it_waits_and_then_the_next_does(together: Strands, pair: Pair) -> None:
    near, far = pair
    told: list[str] = []

    def wait() -> None:
        told.append("a waits")
        assert wait_until_readable(near, LONG)
        told.append("a goes on")

    def write() -> None:
        told.append("b writes")
        far.send(b"x")
        told.append("b ends")

    together.run([wait, write])
    assert told == ["a waits", "b writes", "b ends", "a goes on"]


def test_all_are_in_one_thread_which_is_none_of_those_that_ask(together: Strands) -> None:
    seen: list[tuple[int, Strands | None]] = []
    for _ in range(2):
        together.run([lambda: seen.append((threading.get_ident(), strands()))] * 3)
    assert len(set(seen)) == 1
    assert seen[0][0] != threading.get_ident()
    assert seen[0][1] is together
    assert strands() is None


def test_what_a_strand_begins_comes_after_those_that_are_ready_and_is_waited_for_by_nobody(
    together: Strands, pair: Pair
) -> None:
    near, far = pair
    told: list[str] = []

    def begin() -> None:
        together.begin(lambda: told.append("begun"))
        told.append("first")
        assert wait_until_readable(near, LONG)
        told.append("first again")

    def second() -> None:
        told.append("second")
        far.send(b"x")

    together.run([begin, second])
    assert told == ["first", "second", "begun", "first again"]


def test_what_is_begun_and_raises_ends_nobody(together: Strands) -> None:
    def fail() -> NoReturn:
        raise SystemExit

    together.run([lambda: together.begin(fail)])
    done: list[None] = []
    together.run([lambda: done.append(None)])
    assert done == [None]


def test_nothing_to_do_is_done(together: Strands) -> None:
    together.run([])


# -- sockets


def test_a_socket_that_is_ready_is_not_waited_for(together: Strands, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    found: list[bool] = []
    together.run(
        [
            lambda: found.append(wait_until_readable(near, LONG)),
            lambda: found.append(wait_until_writable(near, LONG)),
            lambda: found.append(wait_until_readable(near, 0.0)),
            lambda: found.append(wait_until_readable(near, -1.0)),
        ]
    )
    assert found == [True] * 4


def test_where_nothing_comes_the_wait_ends_with_its_time(together: Strands, pair: Pair) -> None:
    found: list[bool] = []
    together.run([lambda: found.append(wait_until_readable(pair[0], 0.002))])
    together.run([lambda: found.append(wait_until_readable(pair[0], 0.0))])
    assert found == [False, False]


def test_each_wait_ends_with_its_own_time_whichever_began_first(together: Strands, pair: Pair) -> None:
    near, far = pair
    told: list[str] = []

    def wait(name: str, seconds: float) -> Callable[[], None]:
        def call() -> None:
            told.append(f"{name} {wait_until_readable(near, seconds)}")
            if name == "short":
                far.send(b"x")

        return call

    together.run([wait("long", LONG), wait("short", 0.002), wait("longer", 2 * LONG)])
    assert told == ["short False", "long True", "longer True"]


def test_an_answer_that_came_while_others_had_their_turn_counts_although_time_is_over(pair: Pair) -> None:
    near, far = pair
    now = 0.0
    together = Strands(clock=lambda: now)
    found: list[bool] = []

    def take_long() -> None:
        nonlocal now
        far.send(b"the answer")
        now += 100.0

    together.run([lambda: found.append(wait_until_readable(near, 5.0)), take_long])
    together.close()
    assert found == [True]


def test_one_reads_and_another_writes_over_one_socket(together: Strands, pair: Pair) -> None:
    near, far = pair
    fill(near)
    told: list[str] = []

    def read() -> None:
        assert wait_until_readable(near, LONG)
        told.append("read")
        drain(far)

    def write() -> None:
        assert wait_until_writable(near, LONG)
        told.append("write")

    def say() -> None:
        told.append("says")
        far.send(b"x")

    together.run([write, read, say])
    assert told == ["says", "read", "write"]


def test_two_that_wait_for_the_same_both_go_on(together: Strands, pair: Pair) -> None:
    near, far = pair
    found: list[bool] = []
    together.run([*[lambda: found.append(wait_until_readable(near, LONG))] * 3, far.close])
    assert found == [True] * 3


def test_one_whose_time_is_over_leaves_the_others_on_its_socket_waiting(
    together: Strands, pair: Pair
) -> None:
    near, far = pair
    fill(near)
    told: list[str] = []

    def write() -> None:
        told.append(f"write {wait_until_writable(near, 0.002)}")
        far.send(b"x")

    together.run([lambda: told.append(f"read {wait_until_readable(near, LONG)}"), write])
    assert told == ["write False", "read True"]


@pytest.mark.parametrize("ends", ["the other", "its own"])
def test_a_socket_that_is_closed_meanwhile_ends_the_wait(together: Strands, pair: Pair, ends: str) -> None:
    near, far = pair
    found: list[bool] = []
    closed = far if ends == "the other" else near
    together.run([lambda: found.append(wait_until_readable(near, LONG)), closed.close])
    assert found == [True]


def test_who_waits_for_a_socket_that_is_closed_already_hears_it_and_others_go_on(
    together: Strands, pair: Pair
) -> None:
    near, far = pair
    closed = socket.socket()
    closed.close()
    far.send(b"x")
    found: list[bool] = []
    with pytest.raises(ValueError, match="negative"):
        together.run(
            [
                lambda: found.append(wait_until_readable(closed, LONG)),
                lambda: found.append(wait_until_readable(near, LONG)),
            ]
        )
    assert found == [True]


def test_a_descriptor_beyond_those_of_select_is_waited_for(together: Strands, pair: Pair) -> None:
    near, far = pair
    beyond = socket.socket(fileno=_high(near))
    with beyond:
        far.send(b"x")
        found: list[bool] = []
        together.run([lambda: found.append(wait_until_readable(beyond, LONG))])
        assert found == [True]


def _high(peer: socket.socket) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(BEYOND_SELECT + 100, hard)), hard))
    return fcntl.fcntl(peer.fileno(), fcntl.F_DUPFD_CLOEXEC, BEYOND_SELECT)


@pytest.mark.parametrize("events, ready", [(READABLE, False), (WRITABLE, True)])
def test_outside_of_a_strand_a_wait_is_any_wait(pair: Pair, events: int, *, ready: bool) -> None:
    near, far = pair
    wait = wait_until_readable if events == READABLE else wait_until_writable
    assert wait(near, 0.001) is ready
    assert wait(near, -1.0) is ready
    far.send(b"x")
    assert wait(near, LONG)


# -- errors


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_one_raises_is_heard_by_who_asked_for_it_and_by_nobody_else(
    together: Strands, pair: Pair, error: type[BaseException]
) -> None:
    near, far = pair
    is_waiting = threading.Event()
    found: list[bool] = []

    def wait() -> None:
        is_waiting.set()
        found.append(wait_until_readable(near, LONG))

    def fail() -> NoReturn:
        raise error("mine")

    other = threading.Thread(target=together.run, args=([wait],))
    other.start()
    assert is_waiting.wait(LONG)
    done: list[None] = []
    with pytest.raises(error, match="mine"):
        together.run([fail, lambda: done.append(None)])
    assert (done, found) == ([None], [])
    far.send(b"x")
    other.join(LONG)
    assert found == [True]


def test_of_several_errors_the_first_call_s_is_told_when_all_have_ended(
    together: Strands, pair: Pair
) -> None:
    near, far = pair
    told: list[str] = []

    def wait() -> NoReturn:
        wait_until_readable(near, LONG)
        told.append("waited")
        raise KeyError("first")

    def fail() -> NoReturn:
        far.send(b"x")
        raise OSError("second")

    with pytest.raises(KeyError, match="first"):
        together.run([wait, fail])
    assert told == ["waited"]
