"""Notices with real workers, servers and a webhook: what an operator gets, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings_store.keyring import generate
from tests.rigs.installation import running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.web_receiver import WebReceiver, web_receiver

OPERATOR = "operator@corp.example"
REFUSED = 100


def test_many_that_fail_at_once_are_one_mail_and_one_post_and_so_are_fallback_and_return(
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys.json"
    generate(keys)
    with (
        open_mailbox() as primary,
        open_mailbox() as secondary,
        web_receiver() as receiver,
        running_installation(tmp_path, NOTIFY_KEY_FILE=str(keys)) as installation,
    ):
        installation.configure(primary=primary, secondary=secondary)
        installation.runtime.store.change(
            {
                "notices.email_to": OPERATOR,
                "notices.webhook_url": receiver.url,
                "notices.collect_seconds": 5,
            },
            author="test",
        )
        for mailbox in (primary, secondary):
            mailbox.answer("RCPT TO:<nobody@corp.example>", "550 5.1.1 no such user")
        with installation.worker("-n", "one@%h"), installation.worker("-n", "two@%h") as second:
            installation.publish_many(REFUSED, to=["nobody@corp.example"])
            wait_until(lambda: installation.queries.counts()["failed"] == REFUSED, what="all being refused")
            installation.server.advance(6)
            wait_until(lambda: told(primary) == 1, what="the operator being told")
            (mail,) = [mail for mail in primary.mails() if mail.to == OPERATOR]
            assert mail.subject == f"Notifier: {REFUSED} notifications undelivered"
            wait_until(lambda: posted(receiver) == ["undelivered"], what="the post")
            assert receiver.got[0]["facts"]["count"] == REFUSED

            primary.go_down()
            installation.publish_many(5)
            wait_until(lambda: "fallback" in posted(receiver), what="the post about the fallback")
            # One worker dies in between; the other goes on.
            second.kill()
            primary.come_up()
            installation.server.advance(60)
            wait_until(lambda: "recovered" in posted(receiver), seconds=90, what="the post about its end")
            assert posted(receiver) == ["undelivered", "fallback", "recovered"]
            wait_until(lambda: told(primary) + told(secondary) == 3, what="both being told by mail")
        subjects = [m.subject for box in (primary, secondary) for m in box.mails() if m.to == OPERATOR]
        assert sorted(subjects)[1:] == [
            "Notifier: E-mail goes by Primary Email again",
            "Notifier: E-mail goes by Secondary Email: Primary Email is down",
        ]


def posted(receiver: WebReceiver) -> list[str]:
    """The incidents that were posted; one may be posted twice where a worker dies right after."""
    return list({got["id"]: got["event"] for got in list(receiver.got)}.values())


def told(mailbox: Mailbox) -> int:
    """How many notices it took."""
    return sum(mail.to == OPERATOR for mail in mailbox.mails())


def test_while_no_email_server_is_up_the_operator_gets_a_text_and_the_mail_when_one_is_back(
    tmp_path: Path,
) -> None:
    phone = "4915112345@sms.example"
    with (
        open_mailbox() as primary,
        open_mailbox() as secondary,
        open_mailbox() as sms,
        running_installation(tmp_path) as installation,
    ):
        installation.configure(primary=primary, secondary=secondary)
        installation.runtime.store.change(
            {
                "primary_sms.server_name": "127.0.0.1",
                "primary_sms.server_port": sms.port,
                "notices.email_to": OPERATOR,
                "notices.text_to": phone,
            },
            author="test",
        )
        primary.go_down()
        secondary.go_down()
        with installation.worker():
            installation.publish_many(5)
            wait_until(lambda: sms.taken, seconds=60, what="the text")
            (text,) = sms.mails()
            assert text.to == phone
            assert b"Notifier: No server for e-mail is up" in text.text
            secondary.come_up()
            installation.server.advance(400)
            # All that waited goes out by itself, the notices too.
            wait_until(lambda: installation.open_count() == 0, seconds=90, what="all being sent")
            assert told(secondary) >= 1
        assert primary.taken == 0
        assert sms.taken == 1


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_stops_soon_though_a_webhook_hangs(tmp_path: Path, pool: str) -> None:
    keys = tmp_path / "keys.json"
    generate(keys)
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(keys)) as installation, open_mailbox() as hanging:
        # It greets as a mail server does and never answers a post.
        installation.configure(primary=hanging)
        url = f"http://127.0.0.1:{hanging.port}/hook"
        installation.runtime.store.change(
            {"notices.webhook_url": url, "notices.collect_seconds": 1}, author="test"
        )
        hanging.answer("RCPT", "550 5.1.1 no such user")
        with installation.worker(f"--pool={pool}") as worker:
            published = installation.publish()
            installation.wait_state(published.id, "failed")
            installation.server.advance(2)
            worker.wait_logged("incident what=undelivered")
            assert worker.stop() < 20
