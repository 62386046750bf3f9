"""Workers whose clocks are ten minutes wrong, each way: Redis' time alone decides, so nothing is off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later
from tests.rigs.wrong_clock import wrong_clock

#: Ten minutes; looked for when a test runs, so that a machine without the library skips it by name.
WRONG_BY_SECONDS = 600
SECONDS = 90.0
HELD = "held@example.com"
PAST_THE_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running_installation(tmp_path) as running:
        yield running


@pytest.fixture
def mailbox(installation: Installation) -> Iterator[Mailbox]:
    with open_mailbox() as running:
        installation.configure(primary=running)
        yield running


def in_seconds(installation: Installation, seconds: float) -> str:
    """A time of Redis' calendar, as a notification has it."""
    now, _ = installation.runtime.redis.time()
    return (datetime.fromtimestamp(now, tz=UTC) + timedelta(seconds=seconds)).isoformat()


def wait_taken(mailbox: Mailbox, least: int) -> None:
    wait_until(lambda: mailbox.taken >= least, seconds=SECONDS, what=f"{least} mails")


def test_a_worker_that_is_ahead_takes_nothing_from_one_that_is_behind(
    installation: Installation, mailbox: Mailbox
) -> None:
    go_on = threading.Event()
    mailbox.answer(f"RCPT TO:<{HELD}>", Later(go_on, "250 2.1.5 ok"))
    with installation.worker("-n", "behind@%h", **wrong_clock(-WRONG_BY_SECONDS)) as behind:
        held = installation.publish(to=[HELD])
        installation.wait_state(held.id, "sending", seconds=SECONDS)
        with installation.worker("-n", "ahead@%h", **wrong_clock(WRONG_BY_SECONDS)):
            for _ in range(3):
                installation.wait_state(installation.publish().id, "delivered", seconds=SECONDS)
            assert installation.record(held.id).state == "sending"
            go_on.set()
            installation.wait_state(held.id, "delivered", seconds=SECONDS)
            never = threading.Event()
            mailbox.answer(".", Later(never, "250 2.0.0 queued"))
            lost = installation.publish()
            installation.wait_state(lost.id, "sending", seconds=SECONDS)
            wait_until(lambda: mailbox.counts()[lost.id] == 1, seconds=SECONDS, what="the text being sent")
            behind.kill()
        mailbox.come_up()
    never.set()
    installation.server.advance(PAST_THE_LEASE_SECONDS)
    with installation.worker("-n", "ahead@%h", **wrong_clock(WRONG_BY_SECONDS)):
        installation.wait_state(lost.id, "waiting", "delivered", seconds=SECONDS)
        installation.server.advance(PAST_THE_RESEND_SECONDS)
        installation.wait_state(lost.id, "delivered", seconds=SECONDS)
    assert mailbox.counts()[held.id] == 1


def test_times_of_a_notification_hold_whatever_the_worker_thinks_the_time_is(
    installation: Installation, mailbox: Mailbox
) -> None:
    expires_soon = installation.publish(expires=in_seconds(installation, 300))
    later = installation.publish(not_before=in_seconds(installation, 120))
    with installation.worker(**wrong_clock(WRONG_BY_SECONDS)):
        installation.wait_state(expires_soon.id, "delivered", seconds=SECONDS)
        assert installation.record(later.id).state not in {"delivered", "sending"}
        assert mailbox.counts()[later.id] == 0
    mailbox.go_down()
    with installation.worker(**wrong_clock(-WRONG_BY_SECONDS)):
        over = installation.publish(expires=in_seconds(installation, 60))
        installation.wait_state(over.id, "waiting", seconds=SECONDS)
        installation.server.advance(62)
        installation.wait_state(over.id, "expired", seconds=SECONDS)
        mailbox.come_up()
        installation.server.advance(62)
        installation.wait_state(later.id, "delivered", seconds=SECONDS)
    assert mailbox.counts() == {expires_soon.id: 1, later.id: 1}


def test_limits_hold_over_workers_that_do_not_agree_on_the_time(
    installation: Installation, mailbox: Mailbox
) -> None:
    limits = {"limits.primary_email_messages_per_minute": 6, "limits.primary_email_connections": 1}
    installation.runtime.store.change(limits, author="test")
    with (
        installation.worker("-n", "ahead@%h", **wrong_clock(WRONG_BY_SECONDS)),
        installation.worker("-n", "behind@%h", **wrong_clock(-WRONG_BY_SECONDS)),
    ):
        ids = installation.publish_many(12)
        wait_until(
            lambda: not installation.open_count("waiting") and mailbox.taken,
            seconds=SECONDS,
            what="each but the first having its turn",
        )
        assert mailbox.taken <= 2, "one at once, and one in ten seconds"
        # Moving the calendar ends the leases of connections, so it is looked at before.
        assert mailbox.most_connections_at_once == 1
        for minute in (1, 2):
            installation.server.advance(60)
            wait_taken(mailbox, minute * 2)
            assert mailbox.taken <= minute * 6 + 2
    assert set(mailbox.counts().values()) == {1}
    assert set(mailbox.counts()) <= set(ids)
