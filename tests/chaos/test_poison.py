"""A notification that kills whoever delivers it ends as a dead letter, and takes no other along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Drip

PAST_EVERY_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0
#: The worker dies over a certain notification as soon as it is to be composed, as by a fault in a C library.
DIES_OVER_IT = """
import os
from tasks.delivery import deliverer
walk = deliverer.Deliverer._walk
def die(self, state):
    if state.notification.subject == "killer":
        os.kill(os.getpid(), 9)
    return walk(self, state)
deliverer.Deliverer._walk = die
"""
MOST_DEATHS = 6


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running_installation(tmp_path) as running:
        yield running


@pytest.mark.timeout(300)
def test_one_killer_among_fifty_is_a_dead_letter_and_the_others_arrive(installation: Installation) -> None:
    with open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        # Long enough for all that a worker holds to be cut off each time before anything is sent.
        mailbox.answer("RCPT", Drip("250 2.1.5 ok", 0.07))
        ids = [installation.publish(subject=f"good {number}").id for number in range(20)]
        killer = installation.publish(subject="killer").id
        ids += [installation.publish(subject=f"good {number}").id for number in range(20, 49)]
        deaths = 0
        while installation.record(killer).state in {"queued", "sending"}:
            assert deaths < MOST_DEATHS, "it kills on and on"
            with installation.worker(prelude=DIES_OVER_IT) as worker:
                wait_until(
                    lambda: (
                        worker.process.poll() is not None
                        or installation.record(killer).state not in {"queued", "sending"}
                    ),
                    seconds=60,
                    what="the worker dying, or the killer being given up",
                )
                deaths += worker.process.poll() is not None
            installation.server.advance(PAST_EVERY_LEASE_SECONDS)
        with installation.worker(prelude=DIES_OVER_IT):
            wait_until(lambda: not installation.open_count("waiting"), seconds=120, what="the rest")
            installation.server.advance(PAST_THE_RESEND_SECONDS)
            wait_until(lambda: not installation.open_count(), seconds=60, what="everything being final")
        ended = {each: installation.record(each).state for each in ids}
        assert set(ended.values()) == {"delivered"}, ended
        record = installation.record(killer)
        assert (record.state, deaths) == ("failed", 3), record.reason
        assert set(ids) == set(mailbox.counts())
