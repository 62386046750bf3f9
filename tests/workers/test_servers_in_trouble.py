"""Several real workers and servers that are away, refuse or are to be spared: decided once for all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Silence

ALL_SECONDS = 60.0
PROBE_AFTER_WRONG_PASSWORD_SECONDS = 60


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Installation]:
    """An installation with a key file, for servers that ask for a sign-in."""
    key_file = tmp_path / "keys.json"
    generate(key_file)
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(key_file)) as installation:
        yield installation


@contextlib.contextmanager
def workers(installation: Installation, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(count):
            stack.enter_context(installation.worker(f"--hostname=w{number}@%h", wait=False))
        yield


def wait_final(installation: Installation, count: int, *, seconds: float = ALL_SECONDS) -> None:
    wait_until(
        lambda: installation.queries.counts()["delivered"] == count,
        seconds=seconds,
        what=f"{count} being delivered, of {installation.queries.counts()}",
    )


def test_a_black_hole_costs_a_few_time_outs_and_then_mail_goes_to_the_secondary_without_any(
    installation: Installation, mailbox: Mailbox
) -> None:
    mailbox.answer("GREETING", Silence())
    with open_mailbox() as secondary, installation.worker():
        installation.configure(primary=mailbox, secondary=secondary)
        installation.runtime.store.change({"timeouts.command_reply_seconds": 5}, author="test")
        first = installation.publish_many(4)
        wait_final(installation, 4)
        began = time.monotonic()
        more = installation.publish_many(40)
        wait_final(installation, 44)
        took = time.monotonic() - began
        assert secondary.counts() == dict.fromkeys([*first, *more], 1)
    for each in more:
        timeline = installation.record(each).timeline
        assert [(entry["server"], entry["verdict"]) for entry in timeline] == [
            ("primary_email", "passed_over"),
            ("secondary_email", "delivered"),
        ]
    assert installation.record(more[0]).reason == (
        "by secondary_email (primary_email: passed over until a test finds it well: the server took too long)"
    )
    assert took < 40 * 5, "each by itself would have waited for the time-out"


def test_a_server_that_is_back_is_found_by_a_test_and_gets_what_waited_for_it(
    installation: Installation, mailbox: Mailbox
) -> None:
    mailbox.go_down()
    installation.configure(primary=mailbox)
    with workers(installation, 2):
        ids = installation.publish_many(30)
        runtime = installation.runtime
        wait_until(runtime.ledger.awaited, seconds=ALL_SECONDS, what="some waiting for the server")
        (server,) = runtime.breaker.servers()
        assert (server.name, server.state) in {("primary_email", "open"), ("primary_email", "half_open")}
        mailbox.come_up()
        wait_final(installation, 30)
        (server,) = runtime.breaker.servers()
        assert server.state == "closed"
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert runtime.ledger.awaited() == set()


def test_four_workers_try_a_wrong_password_once(sealed: Installation) -> None:
    with mail_server() as primary, mail_server() as secondary:
        primary.answers["AUTH"] = "535 5.7.8 wrong"
        sealed.configure(primary=primary.port, secondary=secondary.port)
        password = sealed.runtime.store.cipher.seal_for_pasting("not this one")
        sealed.runtime.store.change(
            {
                "primary_email.authentication_user": "robot@corp.test",
                "primary_email.authentication_password": password,
            },
            author="test",
        )
        sealed.publish_many(200)
        began = time.monotonic()
        with workers(sealed, 4):
            wait_final(sealed, 200)
            tests = int(time.monotonic() - began) // PROBE_AFTER_WRONG_PASSWORD_SECONDS
        assert 1 <= primary.verbs.count("AUTH") <= 1 + tests
        assert (len(primary.got), len(secondary.got)) == (0, 200)


def fullest(at_ms: list[int], window_ms: int) -> int:
    return max(sum(1 for other in at_ms if 0 <= other - one < window_ms) for one in at_ms)


def test_three_workers_together_keep_to_thirty_a_minute_and_three_connections(
    installation: Installation,
) -> None:
    server: MailServer
    with mail_server() as server:
        server.now_ms = lambda: int(time.time() * 1000)
        installation.configure(primary=server.port)
        installation.runtime.store.change(
            {"limits.primary_email_messages_per_minute": 30, "limits.primary_email_connections": 3},
            author="test",
        )
        installation.publish_many(12)
        with workers(installation, 3):
            wait_final(installation, 12, seconds=100)
            received = sum(
                member.life.received for member in installation.runtime.fleet.members() if member.life
            )
        at_ms = sorted(text.at_ms for text in server.texts)
    assert len(at_ms) == 12
    # Five at once, then five every ten seconds; who is late for a turn may follow right behind the next five.
    assert sum(1 for each in at_ms if each - at_ms[0] < 9_000) <= 5
    assert fullest(at_ms, 9_000) <= 10
    assert at_ms[-1] - at_ms[0] >= 10_000
    assert server.most_open <= 3
    # One bell when it is published, one for its turn, a few for a connection or a lost race.
    assert received <= 12 * 6
    records = [installation.record(each.id) for each in installation.queries.page().summaries]
    assert {record.passes for record in records} == {1}
    assert {len(record.timeline) for record in records} == {1}
