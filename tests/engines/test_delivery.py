"""The same delivery on every engine: each door, failover, cancelling, files, Flower, a killed worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.doctor.broker_facts import broker_facts
from tests.engines.conftest import Engine, Opens
from tests.rigs.flower import Flower, running_flower
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

PAST_THE_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0
TWELVE_HOURS = 43_200.0


@dataclass
class Served:
    """An installation with a worker, Flower beside it, and two mail servers."""

    engine: Engine
    installation: Installation
    primary: Mailbox
    secondary: Mailbox
    worker: Worker
    flower: Flower


@pytest.fixture(scope="module")
def serving(opens: Opens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("engine")
    with open_mailbox() as primary, open_mailbox() as secondary, opens(folder) as engine:
        installation = engine.installation
        installation.configure(primary=primary, secondary=secondary)
        with (
            running_flower(installation.environ, folder / "flower.log") as flower,
            installation.worker() as worker,
        ):
            wait_until(lambda: "celery@" in flower.ask("/workers?json=1")[1], what="Flower seeing the worker")
            yield Served(engine, installation, primary, secondary, worker, flower)


@pytest.fixture
def served(serving: Served) -> Served:
    """As at the start: the first server up."""
    serving.primary.come_up()
    return serving


def test_what_is_published_arrives_once_and_flower_shows_it(served: Served) -> None:
    ids = served.installation.publish_many(100)
    for each in ids:
        served.installation.wait_state(each, "delivered")
    counts = served.primary.counts()
    assert {counts[each] for each in ids} == {1}
    assert served.flower.wait_task(ids[-1], "SUCCESS")["name"] == "notify.deliver"
    assert served.worker.process.poll() is None


def test_a_submission_of_another_app_is_answered_and_arrives(served: Served) -> None:
    outcome = served.engine.submit(kwargs={"notification": email()})
    record = served.installation.wait_state(str(outcome["task"]), "delivered")
    assert outcome["answer"] == {"id": outcome["task"], "number": record.number}
    assert served.primary.counts()[record.id] == 1


def test_a_submission_with_a_countdown_waits_in_the_ledger_and_in_no_worker(served: Served) -> None:
    installation = served.installation
    outcome = served.engine.submit(
        kwargs={"notification": email()}, countdown=TWELVE_HOURS, expires=TWELVE_HOURS + 3_600
    )
    record = installation.wait_state(str(outcome["task"]), "waiting")
    assert outcome["answer"] == {"id": record.id, "number": record.number}
    start_ms = record.next_at_ms or 0
    assert abs(start_ms - (time.time() + TWELVE_HOURS) * 1000) < 600_000
    assert record.expires_at_ms - start_ms == pytest.approx(3_600_000, abs=5_000)
    assert served.flower.wait_task(record.id, "RETRY")["name"] == "notify.submit"
    # As far as the broker can be asked.
    wait_until(
        lambda: not broker_facts(installation.environment).oldest_unacknowledged_ms,
        what="nothing being left unacknowledged",
    )
    installation.server.advance(TWELVE_HOURS + 60)
    installation.wait_state(record.id, "delivered")
    assert served.primary.counts()[record.id] == 1


def test_a_submission_that_is_not_allowed_is_refused_in_words(served: Served) -> None:
    outcome = served.engine.submit(kwargs={"notification": {**email(), "to": ["not-an-address"]}})
    assert outcome["error"] == "NotificationRefused"
    assert served.flower.wait_task(str(outcome["task"]), "FAILURE")["name"] == "notify.submit"


def test_what_the_first_server_does_not_take_goes_by_the_second(served: Served) -> None:
    served.primary.go_down()
    published = served.installation.publish()
    served.installation.wait_state(published.id, "delivered")
    assert served.secondary.counts()[published.id] == 1


def test_what_fetches_a_file_goes_by_its_queue(served: Served, tmp_path: Path) -> None:
    published = served.installation.publish(attachments=[{"path": str(tmp_path / "none.log")}])
    record = served.installation.wait_state(published.id, "delivered")
    assert record.lane == "files"
    assert served.primary.counts()[published.id] == 1


def test_one_that_waits_is_cancelled_by_revoking_it_in_flower(served: Served) -> None:
    served.primary.answer("RCPT", "450 4.2.1 later")
    served.secondary.answer("RCPT", "450 4.2.1 later")
    published = served.installation.publish()
    served.flower.wait_task(published.id, "RETRY")
    served.flower.revoke(published.id)
    assert served.installation.wait_state(published.id, "cancelled").reason == "cancelled by revoke"
    served.secondary.come_up()


@pytest.mark.timeout(300)
def test_workers_that_are_killed_lose_nothing(opens: Opens, tmp_path: Path) -> None:
    with open_mailbox() as mailbox, opens(tmp_path) as engine:
        installation = engine.installation
        installation.configure(primary=mailbox)
        mailbox.take_slowly(0.03)
        ids = installation.publish_many(120)
        for _ in range(2):
            with installation.worker() as worker:
                enough = mailbox.taken + 20
                wait_until(lambda: mailbox.taken >= enough, what="a worker in the middle of it")  # noqa: B023
                worker.kill()
            installation.server.advance(PAST_THE_LEASE_SECONDS)
        assert installation.final_count() < len(ids), "nothing was left to lose"
        with installation.worker():
            wait_until(
                lambda: not installation.open_count("waiting"), seconds=40, what="all but the uncertain"
            )
            installation.server.advance(PAST_THE_RESEND_SECONDS)
            wait_until(lambda: not installation.open_count(), seconds=60, what="everything being final")
        counts = mailbox.counts()
        for each in ids:
            record = installation.record(each)
            uncertain = any(entry["verdict"] == "uncertain" for entry in record.timeline)
            assert uncertain or (record.state == "delivered" and counts[each] == 1), record
            assert counts[each] or record.state == "uncertain", record
