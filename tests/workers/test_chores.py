"""What a worker does beside its tasks: each chore in its time, and none at the cost of another."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import kombu.exceptions
import pytest
import redis

from tests.rigs.installation import ADDRESS, Installation
from workers.heartbeat import STALLED_EXIT_CODE, Heartbeat
from workers.steps import Chores


@dataclass
class Hand:
    """Chores whose clock, heartbeat and end are in the test's hand."""

    installation: Installation
    now: float = 1000.0
    revoked: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    stalled: bool = False
    beats: int = 0
    fault: Exception | None = None

    def beat(self) -> None:
        self.beats += 1
        if self.fault is not None:
            raise self.fault

    def is_stalled(self) -> bool:
        return self.stalled

    def chores(self, monkeypatch: pytest.MonkeyPatch) -> Chores:
        heartbeat = Heartbeat(self.installation.runtime, received=lambda: 0, busy=lambda: 0, slots=1)
        monkeypatch.setattr(heartbeat, "beat", self.beat)
        monkeypatch.setattr(heartbeat, "is_stalled", self.is_stalled)
        return Chores(
            self.installation.runtime,
            heartbeat,
            revoked=lambda: self.revoked,
            clock=lambda: self.now,
            give_up=self.ended.append,
        )


@pytest.fixture
def hand(installation: Installation) -> Hand:
    return Hand(installation)


def test_each_chore_has_its_own_beat(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[float] = []
    closed: list[float] = []
    chores = hand.chores(monkeypatch)
    monkeypatch.setattr(chores._sweeper, "sweep", lambda: swept.append(hand.now))
    monkeypatch.setattr(hand.installation.runtime.pool, "close_idle", lambda: closed.append(hand.now))
    for _ in range(21):
        chores.run()
        hand.now += 1
    assert (len(swept), hand.beats, len(closed)) == (21, 5, 11)


@pytest.mark.parametrize(
    "fault, says",
    [
        (redis.ConnectionError(ADDRESS), "chore_failed chore=beat error=ConnectionError"),
        (kombu.exceptions.OperationalError(ADDRESS), "chore_failed chore=beat error=OperationalError"),
        (OSError(ADDRESS), "chore_failed chore=beat error=OSError"),
        (ValueError(ADDRESS), "chore_crashed chore=beat error=ValueError"),
    ],
)
def test_a_chore_that_fails_keeps_none_of_the_others_back(
    hand: Hand,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
    says: str,
) -> None:
    chores = hand.chores(monkeypatch)
    closed: list[float] = []
    monkeypatch.setattr(hand.installation.runtime.pool, "close_idle", lambda: closed.append(hand.now))
    hand.fault, hand.stalled = fault, True
    chores.run()
    assert says in caplog.text
    assert ADDRESS not in caplog.text
    assert (hand.beats, len(closed), hand.ended) == (1, 1, [STALLED_EXIT_CODE])
    hand.now += 5
    chores.run()
    assert hand.beats == 2, "it is tried again in its time"


def test_a_sweep_that_fails_keeps_the_beat_going(
    hand: Hand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chores = hand.chores(monkeypatch)
    chores.run()
    hand.installation.server.stop()
    monkeypatch.setattr("settings_store.redis_client.RETRIES", 0)
    hand.now += 5
    chores.run()
    assert hand.beats == 2
    assert "chore_failed chore=sweep error=ConnectionError" in caplog.text


def test_a_stalled_worker_ends_itself_and_says_why(
    hand: Hand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chores = hand.chores(monkeypatch)
    chores.run()
    assert hand.ended == []
    hand.stalled = True
    hand.now += 5
    chores.run()
    assert hand.ended == [STALLED_EXIT_CODE]
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.CRITICAL] == [
        'stalled reason="work waits, slots are free, nothing is received; this worker ends itself"'
    ]


def test_what_is_revoked_is_cancelled_once(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    chores = hand.chores(monkeypatch)
    published = hand.installation.publish()
    cancelled: list[str] = []
    cancel = hand.installation.runtime.ledger.cancel

    def count(notification_id: str, *, by: str) -> object:
        cancelled.append(notification_id)
        return cancel(notification_id, by=by)

    monkeypatch.setattr(hand.installation.runtime.ledger, "cancel", count)
    hand.revoked = [published.id, "never-published"]
    for _ in range(3):
        chores.run()
    assert sorted(cancelled) == sorted(hand.revoked)
    assert hand.installation.record(published.id).state == "cancelled"


def test_what_is_revoked_before_it_is_published_is_cancelled_when_a_worker_discards_it(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    chores = hand.chores(monkeypatch)
    hand.revoked = ["early"]
    chores.run()
    hand.installation.publish(id="early")
    chores.run()
    assert hand.installation.record("early").state == "queued"
    chores.discarded("early")
    chores.run()
    assert hand.installation.record("early").state == "cancelled"


def test_what_the_worker_forgets_is_forgotten_here_too(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    chores = hand.chores(monkeypatch)
    hand.revoked = ["one", "two"]
    chores.run()
    hand.revoked = ["two"]
    chores.run()
    assert chores._cancelled == {"two"}
