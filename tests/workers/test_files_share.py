"""Half of a worker's slots stay for what fetches nothing, whatever hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.scheduler_api import PASSWORD, USER, SchedulerApi, scheduler_api
from workers.files_share import FilesShare


def requests(files: int, others: int) -> list[SimpleNamespace]:
    lanes = ["notify.files"] * files + ["notify.normal"] * others
    return [SimpleNamespace(delivery_info={"routing_key": lane}) for lane in lanes]


@pytest.mark.parametrize(
    "slots, files, others, full",
    [
        (16, 7, 9, False),
        (16, 8, 0, True),
        (16, 0, 16, False),
        (1, 0, 0, False),
        (1, 1, 0, True),
        (3, 1, 0, True),
    ],
)
def test_files_have_at_most_half_of_the_slots_and_at_least_one(
    slots: int, files: int, others: int, *, full: bool
) -> None:
    share = FilesShare(slots, lambda: requests(files, others))
    assert share.is_full is full
    assert list(share.left_out()) == (["notify.files"] if full else [])
    assert list(share.full_lanes()) == (["files"] if full else [])


def test_a_count_that_is_disturbed_is_made_again() -> None:
    disturbances = [RuntimeError("Set changed size during iteration")] * 3

    def disturbed() -> Iterable[SimpleNamespace]:
        if disturbances:
            raise disturbances.pop()
        return requests(8, 0)

    assert FilesShare(16, disturbed).is_full
    assert not FilesShare(16, _always_disturbed).is_full


def _always_disturbed() -> Iterable[SimpleNamespace]:
    raise RuntimeError("Set changed size during iteration")


@pytest.fixture
def hung(keyed_installation: Installation) -> Iterator[tuple[SchedulerApi, threading.Event]]:
    """A scheduler that lets everybody wait until the event is set."""
    go_on = threading.Event()
    with scheduler_api(outputs={1: {"o.txt": "x"}}, on_request=lambda: go_on.wait(60)) as scheduler:
        keyed_installation.runtime.store.change(
            {"jors.api_address": scheduler.address, "jors.api_user": USER, "jors.api_password": PASSWORD},
            author="test",
        )
        yield scheduler, go_on
        go_on.set()


def test_plain_mail_goes_on_while_every_fetch_hangs(
    keyed_installation: Installation, hung: tuple[SchedulerApi, threading.Event]
) -> None:
    scheduler, go_on = hung
    with keyed_installation.worker("--concurrency=4"):
        waiting = keyed_installation.publish_many(20, attachments=[{"job_output": 1}])
        wait_until(lambda: keyed_installation.queries.counts()["sending"] == 2, what="two fetches hanging")
        began = time.monotonic()
        plain = keyed_installation.publish_many(20)
        for each in plain:
            keyed_installation.wait_state(each, "delivered")
        took = time.monotonic() - began
        assert not go_on.is_set()
        assert keyed_installation.queries.counts()["sending"] == 2
        go_on.set()
        for each in waiting:
            keyed_installation.wait_state(each, "delivered", seconds=90)
    # All fetches together would have kept it for 15 s at least.
    assert took < 15
    assert scheduler.sign_ins == 1


def test_a_submission_that_wants_files_makes_its_first_pass_by_their_queue(
    keyed_installation: Installation, hung: tuple[SchedulerApi, threading.Event], tmp_path: Path
) -> None:
    _, go_on = hung
    document = email(attachments=[{"job_output": 1}])
    with keyed_installation.worker("--concurrency=4", "-Q", "notify.normal") as worker:
        (outcome,) = send_tasks(
            keyed_installation.server.url, [{"kwargs": {"notification": document}}], folder=tmp_path
        )
        record = keyed_installation.record(str(outcome["task"]))
        assert (outcome["answer"], record.lane) == ({"id": record.id, "number": record.number}, "files")
        assert keyed_installation.record(record.id).state == "queued"
        worker.wait_logged("its attachments are fetched by way of the queue for that")
    go_on.set()
    with keyed_installation.worker("--concurrency=4", "-Q", "notify.files"):
        keyed_installation.wait_state(record.id, "delivered", seconds=60)
