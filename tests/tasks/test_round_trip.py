"""Scripts in one round trip, against a real server."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from redis.commands.core import Script

from settings_store.redis_client import REPLY_TIMEOUT_SECONDS, connect
from tasks.round_trip import AT_HAND_MAXIMUM, AT_HAND_SECONDS, RoundTrips, round_trips
from tests.rigs.faketime_redis import FaketimeRedis
from tests.rigs.severable import Severable, severable

ECHO = "return {ARGV[1], #ARGV}"
FAIL = "return redis.error_reply('WRONG on purpose')"


def test_scripts_are_answered_in_order_and_a_refusal_stands_in_its_place(
    any_redis: redis.Redis,
) -> None:
    echo, fail = any_redis.register_script(ECHO), any_redis.register_script(FAIL)
    first, refused, last = RoundTrips(any_redis).run([(echo, ("ä", 7)), (fail, ()), (echo, ("b",))])
    assert (first, last) == (["ä", 2], ["b", 1])
    assert isinstance(refused, redis.ResponseError)
    assert "on purpose" in str(refused)


def test_a_single_script_raises_what_redis_refuses(redis_server: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="on purpose"):
        RoundTrips(redis_server).run_one(redis_server.register_script(FAIL), ())


def test_a_server_that_forgot_the_scripts_learns_them_again(redis_server: redis.Redis) -> None:
    trips, echo, fail = RoundTrips(redis_server), *map(redis_server.register_script, (ECHO, FAIL))
    assert trips.run_one(echo, ("a",)) == ["a", 1]
    redis_server.script_flush()
    answers = trips.run([(echo, ("a",)), (fail, ()), (echo, ("b", 2))])
    assert (answers[0], answers[2]) == (["a", 1], ["b", 2])
    assert "on purpose" in str(answers[1])


def test_a_server_that_lets_no_script_be_loaded_is_no_endless_loop(redis_server: redis.Redis) -> None:
    redis_server.script_flush()
    redis_server.acl_setuser("unable", enabled=True, nopass=True, commands=["+evalsha", "+hello", "+ping"])
    address = redis_server.connection_pool.connection_kwargs
    client = connect(f"redis://unable:any@127.0.0.1:{address['port']}/0")
    try:
        with pytest.raises(redis.exceptions.NoScriptError):
            RoundTrips(client).run_one(client.register_script(ECHO), ("a",))
    finally:
        client.close()
        redis_server.acl_deluser("unable")


@pytest.fixture
def trips_that_broke(valkey_url: str) -> Iterator[tuple[RoundTrips, Script, Severable]]:
    """Their way was cut after a first one, and is there again; and a script that says what it is told."""
    with severable(valkey_url) as way:
        client = connect(f"redis://127.0.0.1:{way.port}/0")
        trips, echo = RoundTrips(client), client.register_script(ECHO)
        assert trips.run_one(echo, ("before",)) == ["before", 1]
        way.cut()
        way.mend()
        yield trips, echo, way
        client.close()


def test_a_way_that_breaks_between_two_calls_is_made_anew(
    trips_that_broke: tuple[RoundTrips, Script, Severable],
) -> None:
    trips, echo, _ = trips_that_broke
    assert trips.run_one(echo, ("after",)) == ["after", 1]


def test_a_redis_that_stays_away_is_an_error_and_the_next_call_asks_again(valkey_url: str) -> None:
    with severable(valkey_url) as way:
        client = connect(f"redis://127.0.0.1:{way.port}/0", retries=1)
        trips, echo = RoundTrips(client), client.register_script(ECHO)
        assert trips.run_one(echo, ("before",)) == ["before", 1]
        way.cut()
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                trips.run_one(echo, ("meanwhile",))
        way.mend()
        assert trips.run_one(echo, ("after",)) == ["after", 1]
        client.close()


def test_a_reply_that_nobody_waited_for_is_nobody_elses(redis_server: redis.Redis) -> None:
    trips, echo = RoundTrips(redis_server), redis_server.register_script(ECHO)
    trips.run_one(echo, ("before",))
    connection, _ = trips._at_hand[-1]
    read = connection.read_response

    def interrupted() -> object:
        connection.read_response = read
        raise KeyboardInterrupt

    connection.read_response = interrupted
    with pytest.raises(KeyboardInterrupt):
        trips.run_one(echo, ("interrupted",))
    assert trips.run_one(echo, ("after",)) == ["after", 1]


def test_a_script_that_was_begun_is_answered_later(any_redis: redis.Redis) -> None:
    trips, echo = RoundTrips(any_redis), any_redis.register_script(ECHO)
    any_redis.script_flush()
    first = trips.begin(echo, ("first",))
    assert trips.run_one(echo, ("meanwhile",)) == ["meanwhile", 1]
    second = trips.begin(echo, ("second",))
    assert (second.answer(), first.answer()) == (["second", 1], ["first", 1])
    with pytest.raises(redis.ResponseError, match="on purpose"):
        trips.begin(any_redis.register_script(FAIL), ()).answer()
    assert trips.run_one(echo, ("after",)) == ["after", 1]


def test_what_was_begun_and_is_wanted_no_more_is_nobody_elses_answer(redis_server: redis.Redis) -> None:
    trips, echo = RoundTrips(redis_server), redis_server.register_script(ECHO)
    trips.begin(echo, ("unwanted",)).abandon()
    answered = trips.begin(echo, ("wanted",))
    assert answered.answer() == ["wanted", 1]
    answered.abandon()
    assert trips.run_one(echo, ("after",)) == ["after", 1]


def test_what_was_begun_over_a_way_that_breaks_is_begun_anew(
    trips_that_broke: tuple[RoundTrips, Script, Severable],
) -> None:
    trips, echo, way = trips_that_broke
    under_way = trips.begin(echo, ("cut before",))
    assert under_way.answer() == ["cut before", 1]
    under_way = trips.begin(echo, ("cut after",))
    way.cut()
    way.mend()
    assert under_way.answer() == ["cut after", 1], "whether or not it came through"


def test_what_cannot_be_begun_was_not_sent(own_server: FaketimeRedis) -> None:
    client = connect(own_server.url, retries=0)
    trips, echo = RoundTrips(client), client.register_script(ECHO)
    assert trips.run_one(echo, ("before",)) == ["before", 1]
    own_server.freeze()
    under_way = trips.begin(echo, ("silent",))
    own_server.stop()
    with pytest.raises(redis.ConnectionError):
        under_way.answer()
    with pytest.raises(redis.ConnectionError):
        trips.begin(echo, ("meanwhile",))
    own_server.start()
    assert trips.begin(echo, ("after",)).answer() == ["after", 1]
    client.close()


def test_what_was_done_meanwhile_counts_as_waiting_for_the_answer(own_server: FaketimeRedis) -> None:
    now = 0.0
    client = connect(own_server.url, retries=0)
    trips, echo = RoundTrips(client, clock=lambda: now), client.register_script(ECHO)
    assert trips.run_one(echo, ("before",)) == ["before", 1]
    own_server.freeze()
    under_way = trips.begin(echo, ("silent",))
    now += REPLY_TIMEOUT_SECONDS
    began = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        under_way.answer()
    assert time.monotonic() - began < REPLY_TIMEOUT_SECONDS
    own_server.start()
    assert trips.run_one(echo, ("after",)) == ["after", 1]
    client.close()


def test_threads_at_once_get_their_own_answers_and_keep_few_connections(
    redis_server: redis.Redis,
) -> None:
    trips, echo = RoundTrips(redis_server), redis_server.register_script(ECHO)
    together = threading.Barrier(3 * AT_HAND_MAXIMUM)
    wrong: list[object] = []

    def ask(number: int) -> None:
        together.wait()
        for turn in range(20):
            answer = trips.run_one(echo, (f"{number}.{turn}",))
            if answer != [f"{number}.{turn}", 1]:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3 * AT_HAND_MAXIMUM)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    # What others find in the pool is the same client's: a plain command still goes.
    assert redis_server.ping()
    assert len(trips._at_hand) <= AT_HAND_MAXIMUM  # what is kept back from the pool shows nowhere else


def test_a_connection_is_used_for_a_second_before_the_pool_looks_at_it(
    redis_server: redis.Redis,
) -> None:
    now = 0.0
    trips, echo = RoundTrips(redis_server, clock=lambda: now), redis_server.register_script(ECHO)
    looked: list[None] = []
    get = redis_server.connection_pool.get_connection

    def get_and_note() -> object:
        looked.append(None)
        return get()

    redis_server.connection_pool.get_connection = get_and_note  # type: ignore[method-assign, assignment]
    for seconds, times in ((0.0, 1), (AT_HAND_SECONDS / 2, 1), (AT_HAND_SECONDS / 2, 2), (0.0, 2)):
        now += seconds
        trips.run_one(echo, ("a",))
        assert len(looked) == times


def test_a_child_of_a_fork_speaks_over_connections_of_its_own(redis_server: redis.Redis) -> None:
    trips, echo = RoundTrips(redis_server), redis_server.register_script(ECHO)
    trips.run_one(echo, ("parent",))
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if trips.run_one(echo, ("child",)) == ["child", 1] else 1)
        finally:
            os._exit(2)
    assert trips.run_one(echo, ("parent again",)) == ["parent again", 1]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_all_who_ask_by_one_client_share_its_connections(redis_server: redis.Redis) -> None:
    assert round_trips(redis_server) is round_trips(redis_server)
    other = connect("redis://127.0.0.1:1/0")
    assert round_trips(other) is not round_trips(redis_server)
