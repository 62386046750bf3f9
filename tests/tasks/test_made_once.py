"""The parts of a runtime are made once, whatever threads ask and whatever Python it is."""

from __future__ import annotations

import threading

import pytest

from tasks.made_once import made_once


class Parts:
    def __init__(self) -> None:
        self.making = threading.RLock()
        self.made: list[str] = []
        self.all_ask = threading.Event()

    @made_once
    def pool(self) -> object:
        self.all_ask.wait(1)
        self.made.append("pool")
        return [self.clock]

    @made_once
    def clock(self) -> object:
        self.made.append("clock")
        return object()


def test_threads_that_ask_at_once_get_the_same_part() -> None:
    parts, got = Parts(), []
    threads = [threading.Thread(target=lambda: got.append(parts.pool)) for _ in range(8)]
    for thread in threads:
        thread.start()
    parts.all_ask.set()
    for thread in threads:
        thread.join()
    assert parts.made == ["pool", "clock"]
    assert len({id(part) for part in got}) == 1


def test_a_part_that_could_not_be_made_is_made_by_the_next_who_asks() -> None:
    class Failing:
        making = threading.RLock()
        tries = 0

        @made_once
        def part(self) -> int:
            self.tries += 1
            if self.tries == 1:
                raise OSError
            return self.tries

    failing = Failing()
    with pytest.raises(OSError, match=r"^$"):
        assert failing.part
    assert (failing.part, failing.part) == (2, 2)
