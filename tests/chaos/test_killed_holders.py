"""kill -9 of a worker that holds what all workers share: the others have it when its lease is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later, Script, Silence, scripted_server

PAST_EVERY_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0
OFFERS = ("PIPELINING", "8BITMIME", "AUTH PLAIN")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    generate(tmp_path / "keys.json")
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(tmp_path / "keys.json")) as running:
        yield running


def wait_delivered(installation: Installation, count: int) -> None:
    wait_until(
        lambda: installation.queries.counts()["delivered"] == count,
        seconds=90,
        what=f"{count} being delivered, of {installation.queries.counts()}",
    )


def test_connections_that_a_dead_worker_held_are_free_when_its_lease_is_over(
    installation: Installation,
) -> None:
    with open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        installation.runtime.store.change({"limits.primary_email_connections": 3}, author="test")
        go_on = threading.Event()
        mailbox.answer("MAIL", Later(go_on, "250 2.1.0 ok"))
        ids = installation.publish_many(8)
        with installation.worker() as worker:
            wait_until(lambda: mailbox.connections == 3, seconds=60, what="all connections being taken")
            worker.kill()
        go_on.set()
        mailbox.come_up()
        with installation.worker():
            fresh = installation.publish()
            # The dead one's three are still believed to be in use: nobody opens a fourth.
            wait_until(
                lambda: (
                    installation.queries.counts()["queued"] + installation.queries.counts()["waiting"] > 0
                ),
                what="something waiting for a connection",
            )
            assert mailbox.connections == 3
            installation.server.advance(PAST_EVERY_LEASE_SECONDS)
            wait_delivered(installation, 9)
        assert mailbox.counts() == dict.fromkeys([*ids, fresh.id], 1)


def test_a_test_of_a_server_that_died_with_its_worker_is_made_by_another(installation: Installation) -> None:
    with open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        mailbox.go_down()
        published = [installation.publish() for _ in range(6)]
        with installation.worker() as worker:
            breaker = installation.runtime.breaker
            wait_until(
                lambda: any(server.state == "open" for server in breaker.servers()),
                seconds=60,
                what="the server being passed over",
            )
            mailbox.answer("GREETING", Silence())
            installation.server.advance(PAST_THE_RESEND_SECONDS)
            wait_until(
                lambda: [server.state for server in breaker.servers()] == ["half_open"],
                seconds=60,
                what="the server being tested",
            )
            worker.kill()
        mailbox.come_up()
        with installation.worker():
            assert [server.state for server in breaker.servers()] != ["closed"]
            installation.server.advance(PAST_EVERY_LEASE_SECONDS)
            wait_delivered(installation, len(published))
        assert mailbox.counts() == dict.fromkeys([each.id for each in published], 1)


def test_the_first_sign_in_that_died_with_its_worker_is_made_by_another(installation: Installation) -> None:
    silent, good = Script(does={"AUTH": Silence()}, offers=OFFERS), Script(offers=OFFERS)
    with scripted_server(silent, good) as server:
        installation.configure(primary=server.port)
        sealed = installation.runtime.store.cipher.seal_for_pasting("open sesame")
        installation.runtime.store.change(
            {
                "primary_email.authentication_user": "robot@corp.test",
                "primary_email.authentication_password": sealed,
            },
            author="test",
        )
        installation.publish_many(5)
        with installation.worker() as worker:
            wait_until(
                lambda: any("AUTH" in session.verbs() for session in list(server.sessions)),
                seconds=60,
                what="somebody signing in",
            )
            worker.kill()
        assert sum(session.verbs().count("AUTH") for session in server.sessions) == 1, "one tries for all"
        installation.server.advance(PAST_EVERY_LEASE_SECONDS)
        with installation.worker():
            wait_delivered(installation, 5)
        assert sum(len(session.texts) for session in server.sessions) == 5
