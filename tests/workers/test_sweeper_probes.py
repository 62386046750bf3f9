"""What the sweeper does for servers that are passed over: it has them tested, and lets go paced."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import pytest

from settings_store.cipher import Cipher
from settings_store.snapshot import Opener
from tasks.breaker import Reported
from tasks.ledger import Results
from tasks.routing import servers_in_use
from tasks.server import Basic
from tasks.verdict import Verdict
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import free_port
from tests.rigs.swept import Swept
from workers.probes import Probes


class OneServer:
    """Primary Email alone, open since a moment ago, with so many waiting for it."""

    def __init__(self, swept: Swept, mailbox: Mailbox, waiting: int) -> None:
        self.swept, self.mailbox = swept, mailbox
        self.installation = swept.installation
        swept.installation.configure(primary=mailbox)
        mailbox.go_down()
        (server,) = servers_in_use(swept.runtime.store.snapshot())[:1]
        self.fingerprint = server.fingerprint
        for number in range(3):
            report = swept.runtime.breaker.report(
                self.fingerprint,
                Verdict.SERVER_DOWN,
                name="primary_email",
                token=f"t{number}",
                began_ms=int(time.time() * 1000) + 1000,
                reason="the server is not ready",
            )
        assert report == Reported("open", moved=True)
        self.ids = swept.installation.publish_many(waiting)
        for each in self.ids:
            swept.runtime.ledger.finish(
                swept.claim(each),
                then="waiting",
                results=Results(),
                reason="passed over",
                delay_seconds=3600,
                counts_as_pass=False,
                revision=swept.runtime.store.snapshot().revision,
                waits_for=(self.fingerprint,),
            )
        swept.forget_bells()

    def pass_probe_time(self) -> None:
        self.installation.server.advance(6)


def test_a_server_that_is_well_again_is_found_so_by_a_test_and_what_waited_is_let_go_paced(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 100)
    assert swept.sweep() == 0
    mailbox.come_up()
    one.pass_probe_time()
    rung = [swept.sweep() for _ in range(11)]
    assert rung[0] == 0, "the test ended after those who wait were looked at"
    assert (mailbox.connections, mailbox.taken) == (1, 0)
    assert rung[1] <= 10
    assert max(rung) <= 25
    assert sum(rung) == 100
    assert swept.installation.queries.counts()["queued"] == 100


def test_a_server_that_is_still_away_is_tested_later_and_nothing_is_let_go(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 3)
    one.pass_probe_time()
    assert [swept.sweep() for _ in range(5)] == [0] * 5
    assert mailbox.connections == 1
    assert swept.runtime.breaker.allows([one.fingerprint])[one.fingerprint].state == "open"


def test_a_server_that_is_no_longer_configured_is_not_tested(swept: Swept, mailbox: Mailbox) -> None:
    one = OneServer(swept, mailbox, 1)
    one.installation.configure(primary=free_port())
    one.pass_probe_time()
    assert swept.sweep() == 1, "what waited for it goes the way of the new options"
    assert mailbox.connections == 0


def test_a_paused_server_is_not_tested_and_a_resumed_one_is_and_lets_go(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 1)
    swept.runtime.breaker.pause(one.fingerprint, name="primary_email", by="ops", reason="why")
    mailbox.come_up()
    one.pass_probe_time()
    assert (swept.sweep(), mailbox.connections) == (0, 0)
    swept.runtime.breaker.resume(one.fingerprint)
    assert sum(swept.sweep() for _ in range(2)) == 1


def test_a_test_that_hangs_keeps_no_sweep_waiting_and_is_begun_once(
    installation: Installation, mailbox: Mailbox
) -> None:
    begun: list[Callable[[], None]] = []
    probes = Probes(installation.runtime, run=lambda act, _name: begun.append(act))
    swept = Swept(installation, probes)
    one = OneServer(swept, mailbox, 1)
    mailbox.come_up()
    one.pass_probe_time()
    assert [swept.sweep(), swept.sweep()] == [0, 0]
    (test,) = begun
    test()
    assert swept.sweep() == 1
    one.pass_probe_time()
    assert len(begun) == 1


def test_a_worker_without_the_key_leaves_the_test_to_another(
    swept: Swept, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    one = OneServer(swept, mailbox, 0)
    (server,) = servers_in_use(swept.runtime.store.snapshot())[:1]
    no_key = Opener(Cipher(None, "notify"), "primary_email.authentication_password", "notify$1$k$x$y")
    sealed = dataclasses.replace(server, sign_in=Basic("robot", no_key, "seal"))
    snapshot = swept.runtime.store.snapshot()
    permission = dataclasses.replace(
        swept.runtime.breaker.allows([one.fingerprint])[one.fingerprint], probe_due=True
    )
    Probes(swept.runtime, run=lambda act, _name: act()).begin(
        {one.fingerprint: sealed}, {one.fingerprint: permission}, snapshot
    )
    assert "probe_not_possible server=primary_email" in caplog.text
    assert mailbox.connections == 0
