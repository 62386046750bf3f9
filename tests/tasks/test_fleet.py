"""The workers that are alive, and how clocks differ."""

from __future__ import annotations

import redis

from tasks.fleet import REMEMBERED_SECONDS, Fleet, WorkerLife, redis_clock


def test_members_are_told_by_name_with_their_last_word(redis_server: redis.Redis) -> None:
    fleet = Fleet(redis_server)
    at_ms, _ = redis_clock(redis_server)
    life = WorkerLife(revision=3, slots=16, lanes=("high",), keys=("k1",), clock_ahead_ms=-5)
    fleet.beat("b@host", life, at_ms=at_ms)
    fleet.beat("a@host", WorkerLife(), at_ms=at_ms - 1000)
    assert [(each.name, each.heard_ms) for each in fleet.members()] == [
        ("a@host", at_ms - 1000),
        ("b@host", at_ms),
    ]
    assert fleet.members()[1].life == life
    assert fleet.is_alive("b@host")
    assert not fleet.is_alive("c@host")


def test_one_that_is_gone_is_remembered_for_a_day(redis_server: redis.Redis) -> None:
    fleet = Fleet(redis_server)
    at_ms, _ = redis_clock(redis_server)
    fleet.beat("old@host", WorkerLife(), at_ms=at_ms)
    redis_server.delete("notify:worker:old@host")
    assert [(each.name, each.life) for each in fleet.members()] == [("old@host", None)]
    fleet.beat("new@host", WorkerLife(), at_ms=at_ms + REMEMBERED_SECONDS * 1000 + 1)
    assert [each.name for each in fleet.members()] == ["new@host"]


def test_a_word_of_another_version_is_understood(redis_server: redis.Redis) -> None:
    fleet = Fleet(redis_server)
    fleet.beat("w@host", WorkerLife(), at_ms=1)
    redis_server.set("notify:worker:w@host", '{"revision": 7, "something_new": [1]}')
    (member,) = fleet.alive()
    assert member.life == WorkerLife(revision=7)
    redis_server.set("notify:worker:w@host", '{"revision": "seven"}')
    (member,) = fleet.alive()
    assert member.life == WorkerLife()


def test_a_clock_that_is_ahead_is_measured_against_that_of_redis(redis_server: redis.Redis) -> None:
    at_ms, _ = redis_clock(redis_server)
    _, ahead_ms = redis_clock(redis_server, clock=lambda: at_ms / 1000 + 90)
    assert 80_000 < ahead_ms <= 90_000
