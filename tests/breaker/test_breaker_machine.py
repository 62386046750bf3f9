"""The breaker against a model: workers that fail, succeed, test, sign in, die and repeat themselves.

After each step, for each server: everybody sees the state that the model has; a paused server is never used
nor tested; an open one always has a next test within its longest wait; two tests never run at once; a failure
that began before the last change of state moves nothing. Each call is made twice now and then, as after a
lost reply, and must then have the same answer and leave the same record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tasks.breaker import Breaker
from tasks.verdict import Verdict
from tests.rigs.clock import TEST_CLOCK, LedgerClock

SERVERS = ("a", "b")
WORKERS = ("w1", "w2", "w3")
THRESHOLD = 2
LONGEST_WAIT_MS = 600_000
LEASE_MS = 30_000
T = TypeVar("T")

servers = st.sampled_from(SERVERS)
workers = st.sampled_from(WORKERS)
repeats = st.sampled_from([False, False, True])


@dataclass
class Model:
    """What must be true of a server."""

    is_open: bool = False
    is_misconfigured: bool = False
    changed_ms: int = 0
    streak: set[str] = field(default_factory=set)
    paused_until_ms: int | None = None
    probe: tuple[str, int] | None = None
    signed_in: bool = False
    sign_in: tuple[str, int] | None = None

    def is_paused(self, now_ms: int) -> bool:
        return self.paused_until_ms is not None and (
            self.paused_until_ms == 0 or self.paused_until_ms > now_ms
        )

    def settle(self, now_ms: int) -> None:
        if self.paused_until_ms and self.paused_until_ms <= now_ms:
            self.changed_ms, self.paused_until_ms = self.paused_until_ms, None

    def open(self, verdict: Verdict, now_ms: int) -> None:
        self.is_open, self.changed_ms = True, now_ms
        self.probe = None
        self.is_misconfigured = verdict is Verdict.MISCONFIGURED

    def close(self, now_ms: int) -> None:
        self.is_open, self.changed_ms = False, now_ms
        self.streak, self.probe, self.sign_in, self.signed_in = set(), None, None, True

    def state(self, now_ms: int) -> str:
        if self.is_paused(now_ms):
            return "paused"
        if not self.is_open:
            return "closed"
        return "half_open" if self.probe and self.probe[1] > now_ms else "open"


class BreakerMachine(RuleBasedStateMachine):
    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.clock = LedgerClock(self.client)
        self.breaker = Breaker(self.client, clock=TEST_CLOCK)
        self.models = {server: Model() for server in SERVERS}
        self.attempts = 0
        self.held: dict[tuple[str, str], str] = {}  # the token of the last test that a worker was given

    @initialize()
    def some_time_ago(self) -> None:
        self.clock.advance(1)

    def call(self, server: str, call: Callable[[], T], *, repeat: bool) -> T:
        answer = call()
        if repeat:
            stored = self.client.hgetall(f"notify:breaker:{server}")
            assert call() == answer, "asking again gave another answer"
            assert self.client.hgetall(f"notify:breaker:{server}") == stored, "asking again changed something"
        return answer

    def model(self, server: str) -> Model:
        model = self.models[server]
        model.settle(self.clock.now_ms)
        return model

    @rule(
        server=servers,
        verdict=st.sampled_from([Verdict.SERVER_DOWN, Verdict.UNCERTAIN, Verdict.MISCONFIGURED]),
        age_ms=st.sampled_from([0, 0, 1, 5_000, 60_000]),
        repeat=repeats,
    )
    def an_attempt_fails(self, server: str, verdict: Verdict, age_ms: int, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        self.attempts += 1
        token, began_ms = f"n:{self.attempts}", now_ms - age_ms
        counts = not model.is_open and began_ms > model.changed_ms
        if counts:
            model.streak.add(token)
        opens = counts and (verdict is Verdict.MISCONFIGURED or len(model.streak) >= THRESHOLD)
        if opens:
            model.open(verdict, now_ms)
        reported = self.call(server, lambda: self.report(server, verdict, token, began_ms), repeat=repeat)
        assert reported == (model.state(now_ms), opens)

    def report(self, server: str, verdict: Verdict, token: str, began_ms: int) -> tuple[str, bool]:
        reported = self.breaker.report(
            server,
            verdict,
            name="primary_email",
            token=token,
            began_ms=began_ms,
            reason="why",
            failures_before_open=THRESHOLD,
        )
        assert reported is not None
        return reported.state, reported.moved

    @rule(
        server=servers,
        verdict=st.sampled_from([Verdict.DELIVERED, Verdict.MESSAGE_REFUSED, Verdict.RECIPIENT_WAITS]),
        age_ms=st.sampled_from([0, 1, 60_000]),
        repeat=repeats,
    )
    def a_transaction_completes(self, server: str, verdict: Verdict, age_ms: int, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        self.attempts += 1
        token, began_ms = f"n:{self.attempts}", now_ms - age_ms
        proves = not (model.is_open and model.is_misconfigured and began_ms <= model.changed_ms)
        closes = model.is_open and proves
        if closes:
            model.close(now_ms)
        if proves:
            model.streak, model.signed_in = set(), True
        reported = self.call(server, lambda: self.report(server, verdict, token, began_ms), repeat=repeat)
        assert reported == (model.state(now_ms), closes)

    @rule(server=servers, worker=workers, repeat=repeats)
    def a_worker_asks_for_the_test(self, server: str, worker: str, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        self.attempts += 1
        token = f"{worker}:{self.attempts}"
        due = self.breaker.allows([server])[server].probe_due
        given = self.call(server, lambda: self.breaker.take_probe(server, token), repeat=repeat)
        assert given == due
        if given:
            assert model.state(now_ms) == "open", "a test of a server that is closed, paused or under test"
            model.probe = (token, now_ms + LEASE_MS)
            self.held[server, worker] = token

    @rule(
        server=servers, worker=workers, how=st.sampled_from(["ok", "down", "misconfigured"]), repeat=repeats
    )
    def a_worker_ends_its_test(self, server: str, worker: str, how: str, *, repeat: bool) -> None:
        token = self.held.pop((server, worker), "")
        if not token:
            return
        model, now_ms = self.model(server), self.clock.now_ms
        expected = "stale"
        if model.is_open and model.probe and model.probe[0] == token:
            expected = "closed" if how == "ok" else "open"
            model.probe = None
            if how == "ok":
                model.close(now_ms)
            else:
                model.is_misconfigured = how == "misconfigured"
        answer = self.call(
            server,
            lambda: self.breaker.probed(
                server, token, how == "ok", how, misconfigured=how == "misconfigured"
            ),
            repeat=repeat,
        )
        assert answer == expected

    @rule(server=servers, worker=workers, repeat=repeats)
    def a_worker_wants_to_sign_in(self, server: str, worker: str, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        token = self.held.get((server, worker), worker)
        answer = self.call(server, lambda: self.breaker.may_sign_in(server, token), repeat=repeat)
        state = model.state(now_ms)
        is_tester = state == "half_open" and model.probe is not None and model.probe[0] == token
        if state != "closed":
            assert (answer.allowed, answer.everybody) == (is_tester, False)
            return
        assert answer.everybody == model.signed_in
        is_taken = model.sign_in is not None and model.sign_in[1] > now_ms
        if model.signed_in or not is_taken:
            assert answer.allowed
        else:
            assert answer.allowed == (model.sign_in is not None and model.sign_in[0] == token)
        if answer.allowed and not answer.everybody and not is_taken:
            model.sign_in = (token, now_ms + LEASE_MS)

    @rule(server=servers, worker=workers, ok=st.booleans(), repeat=repeats)
    def a_worker_ends_its_sign_in(self, server: str, worker: str, *, ok: bool, repeat: bool) -> None:
        model = self.model(server)
        if model.sign_in is None or model.sign_in[0] != worker:
            return
        self.call(server, lambda: self.breaker.signed_in(server, worker, ok=ok), repeat=repeat)
        model.sign_in, model.signed_in = None, model.signed_in or ok

    @rule(server=servers, seconds=st.sampled_from([None, 1.0, 45.0]), repeat=repeats)
    def an_operator_pauses(self, server: str, seconds: float | None, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        model.paused_until_ms = now_ms + int(seconds * 1000) if seconds else 0
        model.changed_ms = now_ms
        self.call(
            server,
            lambda: self.breaker.pause(server, name="primary_email", by="ops", reason="why", seconds=seconds),
            repeat=repeat,
        )

    @rule(server=servers, repeat=repeats)
    def an_operator_resumes(self, server: str, *, repeat: bool) -> None:
        model, now_ms = self.model(server), self.clock.now_ms
        if model.is_paused(now_ms):
            model.paused_until_ms, model.changed_ms = None, now_ms
        self.call(server, lambda: self.breaker.resume(server), repeat=repeat)

    @rule(server=servers, wanted=st.integers(0, 50))
    def somebody_releases(self, server: str, wanted: int) -> None:
        given = self.breaker.release_allowance(server, wanted)
        assert 0 <= given <= wanted
        if self.model(server).state(self.clock.now_ms) != "closed":
            assert given == 0

    @rule(seconds=st.sampled_from([0.001, 1.0, 5.0, 31.0, 61.0, 601.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def everybody_sees_what_is_true(self) -> None:
        now_ms = self.clock.now_ms
        permissions = self.breaker.allows(SERVERS)
        shown = {row.fingerprint: row for row in self.breaker.servers()}
        for server in SERVERS:
            model, permission = self.model(server), permissions[server]
            assert permission.state == model.state(now_ms)
            assert permission.allowed == (permission.state == "closed")
            assert permission.allowed or permission.again_at_ms > now_ms
            if server in shown:
                assert shown[server].state == permission.state
                assert permission.state != "closed" or shown[server].failures == len(model.streak)
            if model.is_open:
                next_probe_ms = shown[server].next_probe_ms
                assert next_probe_ms is not None, "an open server without a next test"
                assert next_probe_ms <= now_ms + LONGEST_WAIT_MS

    def teardown(self) -> None:
        """Whatever happened, servers that are well again are found to be so and used again."""
        for server in SERVERS:
            self.breaker.resume(server)
            for _ in range(3):
                permission = self.breaker.allows([server])[server]
                if permission.allowed:
                    break
                self.clock.advance(permission.wait_seconds)
                if self.breaker.take_probe(server, "last"):
                    assert self.breaker.probed(server, "last", ok=True) == "closed"
            assert self.breaker.allows([server])[server].allowed


def test_no_history_of_workers_and_operators_breaks_the_rules(any_redis: redis.Redis) -> None:
    machine = type("BreakerMachineOnRealRedis", (BreakerMachine,), {"client": any_redis})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
