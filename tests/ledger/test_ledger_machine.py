"""The promise, attacked: a model of publishers, workers, broker and SMTP server drives a real ledger.

Workers crash at every step, finish late, ask again after lost replies and outlive their leases; the broker is
wiped; time jumps forward and back; administrators change options and cancel. After each step the due-set's
invariant is checked, and at the end everything open is drained: accepted is never lost, never delivered twice
unmarked.
"""

from __future__ import annotations

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks.ledger import (
    FINAL_STATES,
    Claim,
    Entry,
    Intent,
    Results,
)
from tasks.ledger.records import new_token
from tasks.search_terms import term
from tests.rigs.judged_ledger import (
    AGE_LIMIT_SECONDS,
    HOUR,
    RESEND_AFTER_SECONDS,
    JudgedLedger,
    Worker,
)


class LedgerMachine(JudgedLedger):
    workers: Bundle[Worker] = Bundle("workers")

    # -- publishers

    @initialize(recipients=st.integers(1, 3))
    def accept_the_first(self, recipients: int) -> None:
        self.accept("normal", recipients, 0.0, ring=True, lost_reply=False)

    @precondition(lambda self: len(self.world.recipients) < 3)  # few, so that workers meet over one of them
    @rule(
        lane=st.sampled_from(["high", "normal"]),
        recipients=st.integers(1, 3),
        delay=st.sampled_from([0.0, 0.0, 0.0, 90.0]),
        ring=st.booleans(),
        lost_reply=st.booleans(),
    )
    def accept(self, lane: str, recipients: int, delay: float, *, ring: bool, lost_reply: bool) -> None:
        number = len(self.world.recipients)
        entry = Entry(
            id=f"n{number}",
            digest=f"digest {number}",
            channel="email",
            lane=lane,  # type: ignore[arg-type]
            content="{}",
            recipients=recipients,
            age_limit_ms=int(AGE_LIMIT_SECONDS * 1000),
            not_before_ms=self.clock.now_ms + int(delay * 1000) if delay else 0,
            priority="high" if lane == "high" else "normal",
            terms=tuple(term("recipient", f"r{place}@example.com") for place in range(recipients)),
        )
        accepted = self.ledger.accept(entry, ring=ring)
        assert accepted.status == "accepted"
        if lost_reply:
            again = self.ledger.accept(entry, ring=ring)
            assert (again.status, again.number) == ("same", accepted.number)
        self.world.recipients[entry.id] = recipients
        self.world.entries[entry.id] = entry
        if ring and accepted.state == "queued":
            self.world.broker.append(entry.id)

    @rule(data=st.data())
    def accept_again(self, data: st.DataObject) -> None:
        if self.world.entries:
            entry = data.draw(st.sampled_from(sorted(self.world.entries.values(), key=lambda e: e.id)))
            assert self.ledger.accept(entry, ring=False).status == "same"

    # -- workers

    @rule(target=workers, worker=workers)
    def another_worker_takes_over(self, worker: Worker) -> MultipleResults[Worker] | Worker:
        """The first one is paused for longer than its lease; it may still wake up."""
        record = self.queries.get(worker.claim.id)
        assert record is not None
        if record.state == "sending":
            self.clock.advance(31.0)
        claim = self._claim(worker.claim.id)
        if claim is None:
            return multiple()
        return Worker(claim=claim, attempts=claim.attempts, revision=claim.revision)

    @rule(target=workers, worker=workers)
    def dies_with_the_body_sent(self, worker: Worker) -> MultipleResults[Worker] | Worker:
        """Nobody will ever say how it ended; another worker comes after the lease."""
        self._intend(worker, everybody=True)
        self.send(worker)
        return self.another_worker_takes_over(worker)

    def _claim(self, notification_id: str) -> Claim | None:
        before = self.queries.get(notification_id)
        assert before is not None
        score = self.queries.due_scores()[before.lane].get(notification_id, 0.0)
        claim = self.ledger.claim(notification_id, worker="w")
        if not isinstance(claim, Claim):
            return None
        assert before.state == "queued" or (before.state == "sending" and score <= self.clock.now_ms)
        assert claim.revision == self.world.revision
        return claim

    @rule(target=workers, data=st.data(), stray=st.booleans())
    def claim(self, data: st.DataObject, *, stray: bool) -> MultipleResults[Worker] | Worker:
        pool = sorted(self.world.recipients) if stray else self.world.broker
        if not pool:
            return multiple()
        chosen = data.draw(st.sampled_from(pool))
        if not stray:
            self.world.broker.remove(chosen)
        claim = self._claim(chosen)
        if claim is None:
            return multiple()
        return Worker(claim=claim, attempts=claim.attempts, revision=claim.revision)

    @rule(worker=workers)
    def renew(self, worker: Worker) -> None:
        self.ledger.renew(worker.claim)

    @rule(worker=workers, reply=st.sampled_from(["truth", "truth", "lost"]), repeat=st.booleans())
    def whole_pass(self, worker: Worker, reply: str, *, repeat: bool) -> None:
        """Intent, body and finish without a pause."""
        self._intend(worker, everybody=True)
        self.send(worker)
        self.finish(worker, reply, "waiting", 0.0, keep_on=False, repeat=repeat)

    @rule(worker=workers, then=st.sampled_from(["waiting", "queued", "held", "failed"]))
    def ends_unsent(self, worker: Worker, then: str) -> None:
        """No server was there, or none is configured."""
        if worker.intent is None:
            self.finish(worker, "truth", then, 15.0, keep_on=False, repeat=False)

    @rule(worker=workers, letter=st.sampled_from(["r", "o", "x"]))
    def some_get_it(self, worker: Worker, letter: str) -> None:
        """Those of the intent get it, as a rule the first; the others are refused, open, or uncertain."""
        self._intend(worker, everybody=False)
        if worker.intent is None or worker.sent:
            return
        self.send(worker)
        # Nobody who got it is called anything else: an intent from before may have been for everybody.
        took = worker.intent.recipients
        rest = [i for i, old in enumerate(worker.claim.outcomes) if old == "o" and i not in took]
        results = Results(outcomes=dict.fromkeys(took, "d"))
        results.outcomes.update(dict.fromkeys(rest, letter))
        self.ledger.finish(
            worker.claim, then="waiting", results=results, reason="some got it", attempts=worker.attempts
        )
        worker.intent, worker.sent = None, False

    @rule(worker=workers, everybody=st.booleans(), lost_reply=st.booleans())
    def intend(self, worker: Worker, *, everybody: bool, lost_reply: bool) -> None:
        self._intend(worker, everybody=everybody, lost_reply=lost_reply)

    def _intend(self, worker: Worker, *, everybody: bool, lost_reply: bool = False) -> None:
        if worker.intent is not None:
            return
        record = self.queries.get(worker.claim.id)
        assert record is not None
        unsure = [i for i, letter in enumerate(worker.claim.outcomes) if letter == "u"]
        still_open = [i for i, letter in enumerate(worker.claim.outcomes) if letter == "o"]
        group = unsure or still_open
        chosen = tuple(group if everybody else group[:1])
        intent = Intent(
            attempt=worker.attempts + 1,
            fingerprint="server-a",
            server="primary_email",
            recipients=chosen,
            if_unanswered="x" if unsure else "u",
            resend_after_ms=int(RESEND_AFTER_SECONDS * 1000),
        )
        if not chosen:
            return
        answer = self.ledger.intend(worker.claim, intent, revision=worker.revision)
        if lost_reply and answer == "granted":
            assert self.ledger.intend(worker.claim, intent, revision=worker.revision) == "granted"
        if answer == "granted":
            assert worker.revision == self.world.revision, "sent under options that were changed before"
            worker.intent = intent
            worker.attempts += 1

    @rule(worker=workers)
    def send(self, worker: Worker) -> None:
        if worker.intent is not None and not worker.sent:
            worker.sent = True
            for index in worker.intent.recipients:
                self.world.got[worker.claim.id][index] += 1

    @rule(
        worker=workers,
        reply=st.sampled_from(["truth", "lost", "refused"]),
        then=st.sampled_from(["waiting", "queued", "failed", "held"]),
        delay=st.sampled_from([0.0, 15.0, HOUR]),
        keep_on=st.booleans(),
        repeat=st.booleans(),
    )
    def finish(
        self, worker: Worker, reply: str, then: str, delay: float, *, keep_on: bool, repeat: bool
    ) -> None:
        results = Results()
        if worker.intent is not None:
            letter = {
                "truth": "d" if worker.sent else "o",
                "lost": worker.intent.if_unanswered,
                "refused": "r",
            }
            if worker.sent and reply == "refused":
                reply = "truth"  # a server that took it does not refuse it as well
            if not worker.sent and reply == "refused" and then == "held":
                then = "waiting"
            for index in worker.intent.recipients:
                results.outcomes[index] = letter[reply]
            results.entries.append(
                {
                    "at": self.clock.now_ms,
                    "server": worker.intent.server,
                    "verdict": {
                        "truth": "delivered" if worker.sent else "server_down",
                        "lost": "uncertain",
                    }.get(reply, "recipient_refused"),
                    "indexes": list(worker.intent.recipients),
                }
            )
        if keep_on:
            for _ in range(1 + repeat):
                self.ledger.record(worker.claim, attempt=worker.attempts, results=results)
            worker.intent, worker.sent = None, False
            return
        answers = {
            self.ledger.finish(
                worker.claim,
                then=then,  # type: ignore[arg-type]
                results=results,
                reason="the model says so",
                waits_for=("f1", "f2") if delay == HOUR else (),
                delay_seconds=max(delay, RESEND_AFTER_SECONDS) if reply == "lost" else delay,
                attempts=worker.attempts,
                revision=worker.revision,
            )
            for _ in range(1 + repeat)
        }
        assert len(answers) == 1, "asking again gave another answer"
        worker.intent, worker.sent = None, False

    # -- everybody else

    @rule(room=st.sampled_from([0, 1, 1000, 1000]), crash=st.sampled_from([False, False, True]))
    def sweep(self, room: int, *, crash: bool) -> None:
        for lane in ("high", "normal"):
            sweep = self.ledger.sweep(lane, room=room)
            assert len(sweep.ring) <= room
            assert all(state in FINAL_STATES for _, state in sweep.ended)
            if not crash:
                self.world.broker += [notification_id for notification_id, _ in sweep.ring]

    @rule(seconds=st.sampled_from([1.0, 20.0, 31.0, 61.0, 400.0, HOUR, 25 * HOUR, -5.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def broker_is_wiped(self) -> None:
        self.world.broker.clear()

    @rule(server=st.sampled_from(["f1", "f2", "f3"]), limit=st.sampled_from([1, 100]))
    def a_server_is_back(self, server: str, limit: int) -> None:
        self.ledger.recover(server, limit=limit)

    @rule()
    def options_change(self) -> None:
        self.world.revision = int(self.client.hincrby("notify:settings", "revision", 1))
        self.ledger.release_held(self.world.revision)
        self.ledger.release_waiting(self.world.revision)

    @rule(
        data=st.data(),
        even_expired=st.booleans(),
        even_uncertain=st.booleans(),
        ring=st.booleans(),
        delay=st.sampled_from([0.0, 0.0, 90.0]),
    )
    def replay(
        self, data: st.DataObject, *, even_expired: bool, even_uncertain: bool, ring: bool, delay: float
    ) -> None:
        if not self.world.recipients:
            return
        chosen = data.draw(st.sampled_from(sorted(self.world.recipients)))
        before = self.queries.get(chosen)
        assert before is not None
        token = new_token()
        answers = {
            self.ledger.replay(
                chosen,
                age_limit_ms=3_600_000,
                by="ops",
                why="again",
                even_expired=even_expired,
                even_uncertain=even_uncertain,
                delay_seconds=delay,
                ring=ring,
                token=token,
            )
            for _ in range(2)
        }
        assert len(answers) == 1, "asking again gave another answer"
        ((status, state),) = answers
        if status == "replayed":
            assert before.state in FINAL_STATES
            assert state == ("waiting" if delay else "queued")
            assert even_expired or before.state != "expired"
            assert even_uncertain or "uncertain" not in before.outcomes
            if ring and not delay:
                self.world.broker.append(chosen)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.world.recipients:
            self.ledger.cancel(data.draw(st.sampled_from(sorted(self.world.recipients))), by="ops")


def _machine_for(client: redis.Redis) -> type[RuleBasedStateMachine]:
    return type("LedgerMachineOnRealRedis", (LedgerMachine,), {"client": client})


def test_accepted_is_never_lost_and_never_delivered_twice_unmarked(any_redis: redis.Redis) -> None:
    run_state_machine_as_test(
        _machine_for(any_redis),
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
