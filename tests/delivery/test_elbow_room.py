"""As many batches of a process go at once as fill its interpreter."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tasks.delivery.elbow_room import (
    AT_LEAST,
    CROWDED_ABOVE,
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    ROOM_BELOW,
    ElbowRoom,
)
from tests.rigs.processes import wait_until

FULL = 1.0


class Machine:
    """A clock, and a processor that is busy to a share that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0.0
        self.looks = 0
        self.room = ElbowRoom(clock=lambda: self.now, processor=self.look)
        self.going: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def look(self) -> float:
        self.looks += 1
        return self.used

    def passes(self, seconds: float, *, share: float) -> None:
        self.used += seconds * share
        self.now += seconds

    def begin(self) -> None:
        """A batch comes, and goes until it is told to end."""
        before = len(self._threads)

        def go() -> None:
            with self.room.going():
                end = threading.Event()
                self.going.append(end)
                end.wait(30)

        self._threads.append(threading.Thread(target=go))
        self._threads[before].start()

    def goes(self, count: int) -> None:
        wait_until(lambda: len(self.going) == count, what=f"{count} that go")

    def end(self) -> None:
        self.passes(PATIENCE_SECONDS, share=FULL)
        wait_until(lambda: len(self.going) == len(self._threads), what="all of them going")
        for each in self.going:
            each.set()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.end()


def test_a_few_go_at_once_and_the_next_when_one_of_them_ends(machine: Machine) -> None:
    for _ in range(AT_LEAST + 1):
        machine.begin()
    machine.goes(AT_LEAST)
    machine.going[0].set()
    machine.goes(AT_LEAST + 1)


def test_while_the_processor_has_time_one_more_goes_at_each_look(machine: Machine) -> None:
    for _ in range(AT_LEAST + 2):
        machine.begin()
    machine.goes(AT_LEAST)
    machine.passes(LOOK_SECONDS, share=ROOM_BELOW - 0.01)
    machine.goes(AT_LEAST + 1)
    machine.passes(LOOK_SECONDS, share=ROOM_BELOW - 0.01)
    machine.goes(AT_LEAST + 2)


def test_while_the_processor_is_busy_no_more_go_until_their_patience_ends(machine: Machine) -> None:
    for _ in range(AT_LEAST + 1):
        machine.begin()
    machine.goes(AT_LEAST)
    looks = machine.looks
    machine.passes(LOOK_SECONDS, share=ROOM_BELOW + 0.01)
    wait_until(lambda: machine.looks > looks, what="a look")
    assert len(machine.going) == AT_LEAST
    machine.passes(PATIENCE_SECONDS, share=FULL)
    machine.goes(AT_LEAST + 1)


def test_where_they_crowd_it_one_less_goes(machine: Machine) -> None:
    for _ in range(AT_LEAST + 1):
        machine.begin()
    machine.goes(AT_LEAST)
    machine.passes(LOOK_SECONDS, share=0.1)
    machine.goes(AT_LEAST + 1)
    machine.begin()
    machine.passes(LOOK_SECONDS, share=CROWDED_ABOVE + 0.01)
    machine.going[0].set()
    machine.going[1].set()
    # Of three that went two ended; had none less been allowed, two more could go.
    machine.goes(AT_LEAST + 2)
    machine.begin()
    machine.going[2].set()
    machine.goes(AT_LEAST + 3)
