"""How a pass ends as a task, outcome by outcome, and what becomes of a submission that cannot be accepted."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.exceptions import Ignore, Reject

from tasks import celery_tasks
from tasks.celery_tasks import (
    NotificationFailed,
    NotificationPostponed,
    NotificationRefused,
    PassCrashed,
    Postponed,
)
from tasks.delivery.deliverer import PassResult
from tasks.delivery.room import Room
from tasks.delivery.turn import Following, Freed
from tasks.stop_sign import StopSign
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import ADDRESS, TEXT, Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until

ID = "3b241101-e2bb-4255-8caf-4136c566a962"


@dataclass
class Ending:
    """A runtime whose every pass ends the same way."""

    outcome: PassResult | Exception

    @property
    def deliverer(self) -> Ending:
        return self

    @property
    def queries(self) -> Ending:
        return self

    @property
    def room(self) -> Room:
        return Room(lambda: 1)

    def get(self, _notification_id: str) -> None:
        return None

    def call_next(self, freed: Freed) -> None:
        raise AssertionError(freed)

    @property
    def stopping(self) -> StopSign:
        return StopSign()

    def deliver(self, _notification_id: str, *, following: Following) -> PassResult:
        assert following(None) is None, "nobody comes after it"
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def unsent(kind: str, **_fields: object) -> None:
    """No event is sent by a task for itself."""
    raise AssertionError(kind)


def end_of(outcome: PassResult | Exception) -> Any:
    """What Celery makes of a pass that ended this way: its value, or what it raised."""
    app = Celery("test", set_as_current=False)
    celery_tasks.register(app, lambda: Ending(outcome), unsent)  # type: ignore[arg-type,return-value]
    return app.tasks["notify.deliver"].apply(args=(ID,)).result


@pytest.mark.parametrize("state", ["delivered", "cancelled"])
def test_what_ended_as_it_should_is_a_success(state: Any) -> None:
    assert end_of(PassResult(state, "by primary_email")) == state


@pytest.mark.parametrize("state", ["partial", "uncertain", "failed", "expired"])
@pytest.mark.parametrize("ran", [True, False])
def test_a_dead_letter_is_a_failure(state: Any, ran: bool) -> None:  # noqa: FBT001
    raised = end_of(PassResult(state, "for a reason", ran=ran))
    assert isinstance(raised, NotificationFailed)
    assert str(raised) == f"{state}: for a reason"


@pytest.mark.parametrize("state", ["queued", "waiting", "held"])
def test_what_is_still_open_is_a_retry(state: Any) -> None:
    raised = end_of(PassResult(state, "for a reason", 12.0))
    assert isinstance(raised, Postponed)
    assert raised.message == f"{state}: for a reason"
    assert raised.when - datetime.now(tz=UTC) < timedelta(seconds=12)


def test_what_another_worker_sends_is_left_to_that_one_s_row() -> None:
    assert isinstance(end_of(PassResult("sending", ran=False)), Ignore)


def test_what_the_ledger_does_not_know_is_a_failure() -> None:
    raised = end_of(PassResult("unknown", ran=False))
    assert isinstance(raised, NotificationFailed)
    assert "unknown" in str(raised)


def test_a_ledger_that_is_away_is_a_retry_with_the_error_s_name_alone() -> None:
    raised = end_of(redis.ConnectionError(f"{ADDRESS} {TEXT}"))
    assert isinstance(raised, Postponed)
    assert str(raised) == "the ledger did not answer (ConnectionError)"


def test_a_crash_tells_where_in_the_log_and_nothing_of_its_words(caplog: pytest.LogCaptureFixture) -> None:
    raised = end_of(ValueError(f"{ADDRESS} {TEXT}"))
    assert isinstance(raised, PassCrashed)
    assert str(raised) == "ValueError; the worker's log says where"
    assert "pass_crashed" in caplog.text
    assert "test_celery_tasks.py" in caplog.text
    assert ADDRESS not in caplog.text + repr(raised)
    assert TEXT not in caplog.text + repr(raised)


@pytest.mark.parametrize("notification_id", [None, 5, ["x"], {"to": ADDRESS}])
def test_a_bell_without_an_id_is_refused(notification_id: object) -> None:
    app = Celery("test", set_as_current=False)
    celery_tasks.register(app, lambda: Ending(ValueError()), unsent)  # type: ignore[arg-type,return-value]
    raised = app.tasks["notify.deliver"].apply(args=(notification_id,)).result
    assert isinstance(raised, NotificationRefused)
    assert ADDRESS not in str(raised)


def test_a_retry_reads_well_and_survives_the_way_from_a_child_process() -> None:
    retry = Postponed(
        "waiting: x", NotificationPostponed("waiting: x"), datetime(2026, 11, 23, 5, tzinfo=UTC)
    )
    again = pickle.loads(pickle.dumps(retry))
    assert str(again) == "waiting: x; again at 2026-11-23 05:00:00 UTC"
    assert repr(again) == "NotificationPostponed('waiting: x; again at 2026-11-23 05:00:00 UTC')"
    assert str(Postponed("held: y", None)) == "held: y"


@dataclass
class Refusing:
    """Stands where a task would be whose retry the broker does not take."""

    retried: list[dict[str, Any]] = field(default_factory=list)

    def retry(self, **options: Any) -> None:
        self.retried.append(options)
        raise Reject("the broker is away", requeue=False)


def test_a_submission_that_the_broker_does_not_take_back_is_not_dropped() -> None:
    refusing = Refusing()
    ended = celery_tasks._submitted_again(refusing, email())
    assert isinstance(ended, Reject)
    assert ended.requeue
    assert len(refusing.retried) == 1


QUICK = "import tasks.celery_tasks; tasks.celery_tasks._SUBMIT_AGAIN_SECONDS = 0.1"


def test_a_submission_waits_as_long_as_the_ledger_is_full(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    client = installation.runtime.redis
    # Enough that a tenth of it is room for a broker.
    client.set("ballast", "x" * 50_000_000)
    with installation.worker(prelude=QUICK) as worker:
        client.config_set("maxmemory", int(int(client.info("memory")["used_memory"]) / 0.9))
        sender = Celery("sender", broker=installation.server.url, set_as_current=False)
        sent = sender.send_task("notify.submit", kwargs={"notification": email()}, queue="notify.normal")
        wait_until(lambda: worker.log().count("submission_waits") >= 6, what="six tries")
        assert installation.queries.get(sent.id) is None
        client.config_set("maxmemory", 0)
        installation.wait_state(sent.id, "delivered")
    assert mailbox.counts() == {sent.id: 1}


REFUSED_ONCE = """
from celery.exceptions import Reject
from tasks.celery_tasks import NotifyTask
from tasks.ledger import LedgerUnavailable
from tasks.publisher import Publisher
accept, tries = Publisher.accept, []
def full_once(self, document):
    tries.append(document)
    if len(tries) == 1:
        raise LedgerUnavailable("full")
    return accept(self, document)
def not_taken(self, **options):
    raise Reject("the broker is away", requeue=False)
Publisher.accept, NotifyTask.retry = full_once, not_taken
"""


def test_neither_a_full_ledger_nor_a_broker_that_takes_nothing_back_loses_a_submission(
    installation: Installation, mailbox: Mailbox, tmp_path: Path
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker(prelude=REFUSED_ONCE):
        call = {"kwargs": {"notification": email()}}
        (outcome,) = send_tasks(installation.server.url, [call], folder=tmp_path)
        installation.wait_state(outcome["task"], "delivered")
    assert mailbox.counts() == {outcome["task"]: 1}
    assert installation.runtime.redis.hlen("notify.unacked") == 0


CRASHES = f"""
from tasks.publisher import Publisher
def crash(self, document):
    raise ValueError({TEXT!r} + str(document))
Publisher.accept = crash
"""


def test_a_submission_that_crashes_shows_nothing_of_itself(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.worker("--loglevel=DEBUG", prelude=CRASHES) as worker:
        call = {"kwargs": {"notification": email(to=[ADDRESS])}}
        (outcome,) = send_tasks(installation.server.url, [call], folder=tmp_path)
        assert outcome["error"] == "PassCrashed"
        assert outcome["says"] == "ValueError; the worker's log says where"
        worker.wait_logged("pass_crashed")
        assert TEXT not in worker.log()
        assert ADDRESS not in worker.log()
