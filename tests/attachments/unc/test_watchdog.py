from __future__ import annotations

import threading

import pytest

from tasks.attachments.unc import watchdog as module
from tasks.attachments.unc.watchdog import Watchdog
from tests.rigs.processes import wait_until

FOR_EVER = 3600.0


def test_what_takes_too_long_is_ended_and_knows_it() -> None:
    ended = threading.Event()
    with Watchdog().watching(0.01, ended.set) as watch:
        assert ended.wait(60)
    assert watch.is_over


def test_what_is_done_in_time_is_left_alone() -> None:
    watchdog, ended = Watchdog(), threading.Event()
    with watchdog.watching(FOR_EVER, ended.set) as watch:
        pass
    with watchdog.watching(0.01, (later := threading.Event()).set):
        assert later.wait(60)
    assert not ended.is_set()
    assert not watch.is_over


def test_a_short_time_is_kept_while_long_ones_are_watched() -> None:
    watchdog, short = Watchdog(), threading.Event()
    with watchdog.watching(FOR_EVER, lambda: None), watchdog.watching(0.01, short.set):
        assert short.wait(60)


def test_many_are_watched_by_one_thread() -> None:
    watchdog = Watchdog()
    ended: list[int] = []
    for number in range(200):
        watchdog.watch(0.01 * (number % 5), lambda number=number: ended.append(number))  # type: ignore[misc]
    wait_until(lambda: len(ended) == 200, seconds=60, what="all ends")
    assert sorted(ended) == list(range(200))
    assert sum(thread.name == "smb-watchdog" for thread in threading.enumerate()) >= 1


def test_one_that_ended_cannot_be_taken_back() -> None:
    watchdog, ended = Watchdog(), threading.Event()
    number, _ = watchdog.watch(0, ended.set)
    assert ended.wait(60)
    assert not watchdog.unwatch(number)
    number, _ = watchdog.watch(FOR_EVER, ended.set)
    assert watchdog.unwatch(number)


def test_an_end_that_fails_does_not_end_the_watchdog() -> None:
    watchdog, ended = Watchdog(), threading.Event()
    watchdog.watch(0, lambda: 1 / 0)  # type: ignore[arg-type]
    watchdog.watch(0.01, ended.set)
    assert ended.wait(60)


def test_nothing_is_given_long_once_the_process_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOPPING_SECONDS", 0.05)
    stopping, ended, later = threading.Event(), threading.Event(), threading.Event()
    watchdog = Watchdog(stopping.is_set)
    with watchdog.watching(FOR_EVER, ended.set) as watch:
        with watchdog.watching(0.01, later.set):
            assert later.wait(60)
        assert not ended.is_set()
        stopping.set()
        assert ended.wait(60)
    assert watch.is_over
    with watchdog.watching(FOR_EVER, (too_late := threading.Event()).set):
        assert too_late.wait(60), "what begins after that has no time at all"
