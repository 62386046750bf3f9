"""Signs of life, and the judgement whether a worker that lives still moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import kombu.exceptions
import msgspec
import pytest
from celery import Celery

from tasks import broker
from tasks.fleet import LIFETIME_SECONDS, WorkerLife
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from workers.heartbeat import STALLED_EXIT_CODE, STALLED_SECONDS, Heartbeat
from workers.steps import served_lanes


@dataclass
class Worker:
    """What a heartbeat sees of a worker, set by hand."""

    installation: Installation
    received: int = 0
    busy: int = 0
    now: float = 100.0
    depths: dict[str, int] = field(default_factory=dict)
    lanes: tuple[str, ...] = ("high", "normal", "files", "low")
    not_now: tuple[str, ...] = ()
    broker_away: bool = False

    def depth(self, lane: str) -> int:
        if self.broker_away:
            raise kombu.exceptions.OperationalError
        return self.depths.get(lane, 0)

    def heartbeat(self, monkeypatch: pytest.MonkeyPatch) -> Heartbeat:
        monkeypatch.setattr(self.installation.runtime.bells, "depth", self.depth)
        return Heartbeat(
            self.installation.runtime,
            received=lambda: self.received,
            busy=lambda: self.busy,
            slots=4,
            lanes=lambda: self.lanes,
            not_now=lambda: self.not_now,
            clock=lambda: self.now,
        )


@pytest.fixture
def worker(installation: Installation) -> Worker:
    return Worker(installation)


def test_a_beat_tells_the_revision_and_is_gone_soon_after_the_last(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = worker.installation
    heartbeat, key = worker.heartbeat(monkeypatch), "notify:worker:test"
    installation.configure(primary=25)
    worker.received, worker.busy = 7, 2
    heartbeat.beat()
    (member,) = installation.runtime.fleet.alive()
    assert member.name == "test"
    assert member.life is not None
    # The clock of the test's Redis goes as the test has it go.
    life = msgspec.structs.replace(member.life, clock_ahead_ms=0)
    assert life == WorkerLife(revision=1, received=7, busy=2, slots=4, lanes=worker.lanes)
    installation.configure(primary=26)
    installation.server.advance(LIFETIME_SECONDS - 5)
    heartbeat.beat()
    installation.server.advance(LIFETIME_SECONDS - 5)
    assert json.loads(str(installation.runtime.redis.get(key)))["revision"] == 2
    installation.server.advance(10)
    assert installation.runtime.redis.get(key) is None
    (gone,) = installation.runtime.fleet.members()
    assert (gone.name, gone.life) == ("test", None)
    assert installation.runtime.fleet.alive() == []


@pytest.mark.parametrize(
    "depths, busy, received, lanes, stalled",
    [
        pytest.param({"normal": 5}, 0, 0, ("normal",), True, id="work waits and nothing moves"),
        pytest.param({"normal": 5}, 3, 0, ("normal",), True, id="one slot is free"),
        pytest.param({"low": 1}, 0, 0, ("high", "low"), True, id="the last lane waits"),
        pytest.param({}, 0, 0, ("normal",), False, id="nothing waits"),
        pytest.param({"normal": 5}, 4, 0, ("normal",), False, id="every slot is busy"),
        pytest.param({"normal": 5}, 0, 1, ("normal",), False, id="something was received"),
        pytest.param({"normal": 5}, 0, 0, ("high",), False, id="it waits where others serve"),
        pytest.param({"normal": 5}, 0, 0, (), False, id="it was told to fetch nothing"),
    ],
)
def test_stalled_is_who_could_take_work_and_does_not(
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    depths: dict[str, int],
    *,
    busy: int,
    received: int,
    lanes: tuple[str, ...],
    stalled: bool,
) -> None:
    heartbeat = worker.heartbeat(monkeypatch)
    worker.depths, worker.busy, worker.lanes = depths, busy, lanes
    assert not heartbeat.is_stalled()
    worker.now += STALLED_SECONDS / 2
    worker.received = received
    assert not heartbeat.is_stalled()
    worker.now += STALLED_SECONDS / 2
    assert heartbeat.is_stalled() == stalled


def test_work_of_a_lane_that_has_its_share_of_the_slots_is_nobody_s_standstill(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = worker.heartbeat(monkeypatch)
    worker.depths, worker.busy, worker.not_now = {"files": 5}, 2, ("files",)
    for _ in range(3):
        worker.now += STALLED_SECONDS
        assert not heartbeat.is_stalled()
    worker.not_now = ()
    worker.now += STALLED_SECONDS
    assert heartbeat.is_stalled()


def test_time_counts_from_the_last_move(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat = worker.heartbeat(monkeypatch)
    worker.now += STALLED_SECONDS * 10
    assert not heartbeat.is_stalled(), "there was nothing to do all that time"
    worker.depths = {"normal": 1}
    worker.now += STALLED_SECONDS - 1
    assert not heartbeat.is_stalled()
    worker.received += 1
    assert not heartbeat.is_stalled()
    worker.now += STALLED_SECONDS - 1
    assert not heartbeat.is_stalled()
    worker.now += 1
    assert heartbeat.is_stalled()


def test_an_outage_of_the_broker_is_nobody_s_standstill(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = worker.heartbeat(monkeypatch)
    worker.depths, worker.broker_away = {"normal": 1}, True
    for _ in range(3):
        worker.now += STALLED_SECONDS
        with pytest.raises(kombu.exceptions.OperationalError):
            heartbeat.is_stalled()
    worker.broker_away = False
    worker.now += 5
    assert not heartbeat.is_stalled(), "it has a while to connect again"
    worker.now += STALLED_SECONDS
    assert heartbeat.is_stalled()


def test_the_lanes_that_are_served_follow_the_command_line_and_remote_commands() -> None:
    app = Celery("test", set_as_current=False)
    app.conf.update(task_queues=broker.queues(), task_create_missing_queues=False)
    assert served_lanes(app) == ["high", "normal", "files", "low"]
    app.amqp.queues.deselect("notify.files")
    assert served_lanes(app) == ["high", "normal", "low"]
    app.amqp.queues.select(["notify.high"])
    assert served_lanes(app) == ["high"]


DEAF = """
import kombu.transport.redis, workers.heartbeat, workers.steps
workers.heartbeat.STALLED_SECONDS = 1.0
workers.steps._BEAT_EVERY_SECONDS = 0.5
kombu.transport.redis.Channel._brpop_start = lambda self, timeout=None: None
"""


def test_a_worker_that_lives_but_fetches_nothing_ends_itself(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker(prelude=DEAF) as deaf:
        published = installation.publish()
        assert deaf.wait_end() == STALLED_EXIT_CODE
        assert "stalled" in deaf.log()
    with installation.worker():
        installation.wait_state(published.id, "delivered")
