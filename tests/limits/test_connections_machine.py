"""Connections at once against a model: workers that ask, send, renew, close, die and repeat themselves."""

from __future__ import annotations

import itertools
from collections import Counter

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tasks.limits import Allowance, Granted, Slot
from tests.rigs.limits_bench import ACCOUNT, Bench

LEASE_MS = 30_000
workers = st.sampled_from(["w1", "w2", "w3", "w4"])
repeats = st.sampled_from([False, False, True])


class ConnectionsMachine(RuleBasedStateMachine):
    """`leases` is what the model knows to be held, `lapsed` what its holder still believes to have."""

    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.bench = Bench(self.client, Allowance(connections=2))
        self.leases: dict[Slot, int] = {}
        self.lapsed: list[Slot] = []
        self.refused_ms: dict[str, int] = {}
        self.told: set[Slot] = set()
        self.unasked: set[Slot] = set()  # opened while there was no limit
        self.heard = 0  # the limit that Redis heard of last
        self.numbers = itertools.count()

    def alive(self) -> dict[Slot, int]:
        now_ms = self.bench.clock.now_ms
        self.lapsed += [slot for slot, until_ms in self.leases.items() if until_ms <= now_ms]
        self.leases = {slot: until_ms for slot, until_ms in self.leases.items() if until_ms > now_ms}
        self.unasked &= set(self.leases)
        return self.leases

    def waiting(self, *, but: str = "") -> list[str]:
        now_ms = self.bench.clock.now_ms
        return [name for name, at_ms in self.refused_ms.items() if now_ms - at_ms < 3_000 and name != but]

    def open_freely(self, holder: str, worker: str) -> None:
        slot = Slot(ACCOUNT, holder, worker)
        self.heard = 0
        self.alive()
        assert self.bench.worker(worker).count(ACCOUNT, holder) == slot
        self.leases[slot] = self.bench.clock.now_ms + LEASE_MS
        self.unasked.add(slot)

    def ask(self, holder: str, worker: str) -> None:
        slot = Slot(ACCOUNT, holder, worker)
        alive = dict(self.alive())
        if not self.bench.allowance.connections:
            if slot not in alive:
                self.open_freely(holder, worker)
            return
        if slot in self.unasked:
            self.ask_for_one_from_before(slot, alive)
            return
        self.heard = self.bench.allowance.connections
        free = self.heard - len(alive)
        answer = self.bench.connect(holder, worker=worker)
        if isinstance(answer, Granted):
            assert slot in alive or free > 0, "more connections than the limit"
            assert answer.slot == slot
            self.leases[slot] = self.bench.clock.now_ms + LEASE_MS
            if slot not in alive:
                self.refused_ms.pop(worker, None)
        else:
            assert slot not in alive, "a connection that is held was refused"
            assert free <= len(self.waiting(but=worker)), "a connection that nobody is owed was refused"
            assert 1 <= answer.wait_seconds <= 60
            self.refused_ms[worker] = self.bench.clock.now_ms

    def ask_for_one_from_before(self, slot: Slot, alive: dict[Slot, int]) -> None:
        self.heard = self.bench.allowance.connections
        answer = self.bench.connect(slot.holder, worker=slot.worker)
        is_granted = isinstance(answer, Granted)
        assert is_granted == (len(set(alive) - self.unasked) < self.heard)
        if is_granted:
            self.unasked.remove(slot)
            self.leases[slot] = self.bench.clock.now_ms + LEASE_MS
            self.refused_ms.pop(slot.worker, None)
        else:
            self.refused_ms[slot.worker] = self.bench.clock.now_ms

    @rule(worker=workers, repeat=repeats)
    def a_worker_wants_a_connection(self, worker: str, *, repeat: bool) -> None:
        holder = f"h{next(self.numbers)}"
        for _ in range(1 + repeat):
            self.ask(holder, worker)

    @rule(choice=st.integers(0, 100), from_the_dead=st.booleans())
    def a_holder_sends_again(self, choice: int, *, from_the_dead: bool) -> None:
        self.alive()
        slots = self.lapsed if from_the_dead else list(self.leases)
        if slots:
            slot = slots[choice % len(slots)]
            self.ask(slot.holder, slot.worker)

    @rule(worker=workers, with_the_dead=st.booleans())
    def a_worker_renews_all(self, worker: str, *, with_the_dead: bool) -> None:
        alive = self.alive()
        held = [slot for slot in alive if slot.worker == worker]
        dead = [slot for slot in self.lapsed if slot.worker == worker and with_the_dead and slot not in alive]
        asked = list(dict.fromkeys(held + dead))
        renewed = self.bench.worker(worker).renew(asked)
        assert not renewed.lost & set(held), "a lease that was alive was lost"
        risen = set(dead) - renewed.lost
        if self.heard:
            assert len(risen) <= max(self.heard - len(alive), 0), "more connections than the limit"
        for slot in set(asked) - renewed.lost:
            self.leases[slot] = self.bench.clock.now_ms + LEASE_MS

    @rule(choice=st.integers(0, 100), repeat=repeats)
    def a_connection_is_closed(self, choice: int, *, repeat: bool) -> None:
        slots = [*self.alive(), *self.lapsed]
        if slots:
            slot = slots[choice % len(slots)]
            for _ in range(1 + repeat):
                self.bench.worker(slot.worker).release([slot])
            self.leases.pop(slot, None)

    @rule(connections=st.integers(0, 4))
    def an_administrator_changes_the_limit(self, connections: int) -> None:
        self.bench.allowance = Allowance(connections=connections)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 10.0, 29.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @invariant()
    def redis_knows_who_holds_what(self) -> None:
        key, now_ms = f"notify:limit:{ACCOUNT}:slots", self.bench.clock.now_ms
        stored = self.client.zrangebyscore(key, f"({now_ms}", "+inf")
        assert sorted(stored) == sorted(f"{slot.holder} {slot.worker}" for slot in self.alive())

    @invariant()
    def as_many_are_told_to_yield_as_it_takes_and_no_more(self) -> None:
        alive = self.alive()
        counts = Counter(slot.worker for slot in alive)
        self.told &= set(alive)
        for slot in alive:
            needed = len(self.waiting(but=slot.worker)) + max(counts.total() - self.heard, 0)
            if self.bench.worker(slot.worker).should_yield(slot) and slot not in self.told:
                assert needed > len(self.told), "more were told to yield than there is need for"
                self.told.add(slot)
        with_none = [name for name in self.waiting() if not counts[name]]
        if with_none and counts.total() >= self.heard > 0:
            assert len(self.told) >= min(len(with_none), counts.total()), "somebody waits and nobody yields"


def test_no_history_of_workers_breaks_the_limit_or_wastes_it(any_redis: redis.Redis) -> None:
    machine = type("ConnectionsMachineOnRealRedis", (ConnectionsMachine,), {"client": any_redis})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
