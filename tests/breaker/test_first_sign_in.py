"""The first sign-in: one worker makes it, and the others follow once it succeeded."""

from __future__ import annotations

import threading

import pytest
import redis

from tasks.breaker import Breaker, FirstSignIn, SignInAwaited
from tasks.server import Basic, Server
from tasks.transports.failure import TransportFailure
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench

SERVER = Server(
    "primary_email", "mail.example", 587, sign_in=Basic("user", password=lambda: "secret", seal="sealed")
)


def asked(bench: Bench, token: str) -> tuple[bool, bool, float]:
    answer = bench.breaker.may_sign_in(FINGERPRINT, token)
    return answer.allowed, answer.everybody, answer.wait_seconds


def test_one_worker_may_sign_in_and_the_others_wait_until_it_succeeded(bench: Bench) -> None:
    assert asked(bench, "a") == (True, False, 0.0)
    assert asked(bench, "a") == (True, False, 0.0)
    bench.clock.advance(10)
    assert asked(bench, "b") == (False, False, 20.0)
    bench.breaker.signed_in(FINGERPRINT, "a", ok=True)
    assert asked(bench, "b") == asked(bench, "c") == (True, True, 0.0)


def test_after_a_failure_of_another_kind_the_next_one_tries(bench: Bench) -> None:
    asked(bench, "a")
    bench.breaker.signed_in(FINGERPRINT, "a", ok=False)
    bench.breaker.signed_in(FINGERPRINT, "a", ok=False)
    assert bench.breaker.servers() == []
    assert asked(bench, "b") == (True, False, 0.0)
    bench.breaker.signed_in(FINGERPRINT, "a", ok=False)
    assert not asked(bench, "c")[0]


def test_a_worker_that_is_not_heard_of_loses_its_right(bench: Bench) -> None:
    asked(bench, "dead")
    bench.clock.advance(30)
    assert asked(bench, "b") == (True, False, 0.0)
    assert not asked(bench, "dead")[0]


def test_a_delivery_tells_as_well_that_the_sign_in_works(bench: Bench) -> None:
    asked(bench, "a")
    bench.report(Verdict.DELIVERED)
    assert asked(bench, "b") == (True, True, 0.0)


def test_a_refused_sign_in_opens_the_breaker_and_nobody_tries_before_its_test(bench: Bench) -> None:
    asked(bench, "a")
    bench.clock.advance(0.001)
    bench.report(Verdict.MISCONFIGURED)
    assert asked(bench, "a") == asked(bench, "b") == (False, False, 60.0)
    bench.clock.advance(60)
    bench.breaker.take_probe(FINGERPRINT, "p1")
    assert asked(bench, "p1")[0]
    assert not asked(bench, "b")[0]
    bench.breaker.probed(FINGERPRINT, "p1", ok=True)
    assert asked(bench, "b") == (True, True, 0.0)


def test_nobody_signs_in_to_a_paused_server(bench: Bench) -> None:
    bench.report(Verdict.DELIVERED)
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="ops", reason="why")
    assert not asked(bench, "a")[0]


# -- the gate


def failure(kind: Kind) -> TransportFailure:
    return TransportFailure(Outcome(Phase.AUTH, kind))


def state_of(breaker: Breaker) -> tuple[bool, bool]:
    answer = breaker.may_sign_in(SERVER.fingerprint, "another")
    return answer.allowed, answer.everybody


def test_the_gate_lets_one_in_and_then_everybody(any_redis: redis.Redis) -> None:
    breaker = Breaker(any_redis)
    gate, elsewhere = FirstSignIn(breaker), FirstSignIn(breaker)
    with gate(SERVER):
        with pytest.raises(SignInAwaited) as caught, elsewhere(SERVER):
            pytest.fail("two signed in at once")
        assert 0 < caught.value.wait_seconds <= 30
    assert state_of(breaker) == (True, True)
    with elsewhere(SERVER), gate(SERVER):
        pass


def test_the_gate_asks_no_more_once_it_knows(any_redis: redis.Redis) -> None:
    gate = FirstSignIn(Breaker(any_redis))
    with gate(SERVER):
        pass
    any_redis.flushall()
    with gate(SERVER):
        assert any_redis.keys("notify:*") == []


def test_the_gate_leaves_a_server_without_a_sign_in_alone(any_redis: redis.Redis) -> None:
    with FirstSignIn(Breaker(any_redis))(Server("primary_email", "mail.example", 25)):
        assert any_redis.keys("notify:*") == []


def test_the_gate_is_free_again_after_a_failure_that_may_pass(any_redis: redis.Redis) -> None:
    breaker = Breaker(any_redis)
    with pytest.raises(TransportFailure), FirstSignIn(breaker)(SERVER):
        raise failure(Kind.TIMEOUT)
    assert state_of(breaker) == (True, False)


def test_the_gate_stays_shut_between_a_refused_sign_in_and_its_report(any_redis: redis.Redis) -> None:
    breaker = Breaker(any_redis)
    with pytest.raises(TransportFailure), FirstSignIn(breaker)(SERVER):
        raise failure(Kind.CREDENTIALS)
    assert state_of(breaker) == (False, False)


def test_the_worker_that_tests_the_server_goes_through(bench: Bench) -> None:
    bench.open(Verdict.MISCONFIGURED, fingerprint=SERVER.fingerprint)
    bench.clock.advance(60)
    assert bench.breaker.take_probe(SERVER.fingerprint, "p1")
    gate = FirstSignIn(bench.breaker)
    with pytest.raises(SignInAwaited), gate(SERVER):
        pytest.fail("somebody signed in beside the test")
    with gate(SERVER, probe_token="p1"):
        pass
    assert bench.breaker.probed(SERVER.fingerprint, "p1", ok=True) == "closed"


def test_many_threads_make_one_first_sign_in(redis_server: redis.Redis) -> None:
    gates = [FirstSignIn(Breaker(redis_server)) for _ in range(8)]
    start, ended = threading.Barrier(8), threading.Event()
    inside: list[int] = []
    put_off: list[int] = []

    def work(number: int) -> None:
        start.wait(10)
        try:
            with gates[number](SERVER):
                inside.append(number)
                ended.wait(10)
        except SignInAwaited:
            put_off.append(number)
            if len(put_off) == 7:
                ended.set()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(inside), len(put_off)) == (1, 7)
