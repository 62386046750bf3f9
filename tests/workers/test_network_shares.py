"""Files from a real Samba, by a real worker, into a real mail; the options are changed under way."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tasks.attachment_test import AttachmentTests, Draft
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until
from tests.rigs.rogue import running_rogue
from tests.rigs.samba import PASSWORD, USER, Samba, running_samba
from tests.rigs.stalling import running_staller

HALF_OF_THE_SLOTS = 8
#: Five for what hangs, and the rest for a machine that is busy; a fetch may take a minute otherwise.
STOPS_WITHIN_SECONDS = 25.0


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    with running_samba() as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """One that can seal passwords."""
    generate(tmp_path / "keys.json")
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(tmp_path / "keys.json")) as running:
        yield running


def configure(installation: Installation, mailbox: Mailbox, *, password: str, allowed: str) -> None:
    installation.configure(primary=mailbox)
    store = installation.runtime.store
    store.change(
        {
            "general.unc_user": USER,
            "general.unc_password": store.cipher.seal_for_pasting(password),
            "unc.allowed_hosts": allowed,
            "attachments.patience_seconds": 0,
        },
        author="test",
    )


def send(installation: Installation, mailbox: Mailbox, *paths: str) -> tuple[EmailMessage, str]:
    """Send a mail with files; the mail, and its text."""
    sent = installation.publish(attachments=[{"path": path} for path in paths])
    installation.wait_state(sent.id, "delivered", seconds=60)
    (raw,) = (mail.text for mail in mailbox.mails() if mail.notification_id == sent.id)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    return message, str(body.get_content())


def files_of(message: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in message.iter_attachments()}


def test_files_of_a_share_arrive_and_what_cannot_be_had_is_said_in_the_mail(
    installation: Installation, mailbox: Mailbox, samba: Samba
) -> None:
    content = hashlib.sha512(b"seed").digest() * 50_000
    samba.write("Übersicht.bin", content)
    samba.write("secret.txt", b"secret").chmod(0o600)
    configure(installation, mailbox, password=PASSWORD, allowed=samba.address)
    with running_rogue() as rogue, installation.worker() as worker:
        samba.link("link", rf"{rogue.address}\reports")
        message, text = send(
            installation,
            mailbox,
            samba.path("Übersicht.bin"),
            samba.path("none.log"),
            samba.path("secret.txt"),
            samba.path(r"link\a.txt", "dfs"),
            rf"\\{rogue.address}\reports\a.txt",
        )
        assert files_of(message) == {"Übersicht.bin": content}
        assert f"{samba.path('none.log')}: there is no such file" in text
        assert f"{samba.path('secret.txt')}: access denied: the account may not read it" in text
        assert f"this allows it: notify share allow {rogue.address} --reason TEXT" in text
        assert text.count("where its DFS link leads: the host") == 1
        assert (rogue.connections, rogue.received) == (0, b"")
        assert USER not in worker.log()
        assert "reports" not in worker.log()


def test_account_and_list_are_live_and_a_wrong_password_is_tried_once(
    installation: Installation, mailbox: Mailbox, samba: Samba
) -> None:
    samba.write("a.txt", b"hello")
    path = samba.path("a.txt")
    refused = samba.refused_sign_ins()
    with installation.worker():
        configure(installation, mailbox, password="wrong", allowed="")
        assert f"the host {samba.address} is not allowed" in send(installation, mailbox, path)[1]
        configure(installation, mailbox, password="wrong", allowed=samba.address)
        assert "logon failure: unknown user name or bad password" in send(installation, mailbox, path)[1]
        for _ in range(5):
            assert "and is not tried before" in send(installation, mailbox, path, path, path)[1]
        assert samba.refused_sign_ins() == refused + 1
        configure(installation, mailbox, password=PASSWORD, allowed=samba.address)
        assert list(files_of(send(installation, mailbox, path)[0])) == ["a.txt"]


def test_plain_mail_goes_out_while_a_share_hangs_for_all_of_fifty_fetches(
    installation: Installation, mailbox: Mailbox, samba: Samba
) -> None:
    samba.write("a.txt", b"hello")
    with running_staller(samba) as share:
        configure(installation, mailbox, password=PASSWORD, allowed=share.address)
        share.stalls = True
        with installation.worker():
            path = rf"\\{share.address}\reports\a.txt"
            installation.publish_many(50, attachments=[{"path": path}])
            # Half of a worker's 16 slots is for mails with files.
            wait_until(lambda: share.stalled == HALF_OF_THE_SLOTS, seconds=60, what="the fetches hanging")
            plain = installation.publish_many(30)
            for each in plain:
                installation.wait_state(each, "delivered", seconds=60)
            # No fetch was given up meanwhile: the plain mails did not wait for the end of any.
            assert mailbox.counts() == dict.fromkeys(plain, 1)
            assert share.stalled == HALF_OF_THE_SLOTS
            share.let_go()


def test_a_worker_that_is_asked_to_stop_waits_for_no_share_that_hangs(
    installation: Installation, mailbox: Mailbox, samba: Samba
) -> None:
    samba.write("a.txt", b"hello")
    with running_staller(samba) as share:
        configure(installation, mailbox, password=PASSWORD, allowed=share.address)
        share.stalls = True
        path = rf"\\{share.address}\reports\a.txt"
        with installation.worker() as worker:
            ids = installation.publish_many(4, attachments=[{"path": path}])
            runtime = installation.runtime
            tests = AttachmentTests(runtime.redis, runtime.store, runtime.bells)
            test_id = tests.start(Draft(by="test", path=path))
            wait_until(lambda: share.stalled == len(ids) + 1, seconds=60, what="the fetches hanging")
            assert worker.stop() < STOPS_WITHIN_SECONDS
        report = tests.read(test_id)
        assert report is not None
        (failed,) = [stage for stage in report.stages if stage.outcome == "failed"]
        assert failed.reason == report.files[0].reason == "the worker is being stopped; ask again"
        assert failed.advice == []
        for each in ids:
            record = installation.record(each)
            assert (record.state, record.passes) == ("queued", 0)
            assert record.reason == "the worker was asked to stop while it fetched files"
        share.let_go()
        with installation.worker():
            for each in ids:
                installation.wait_state(each, "delivered", seconds=60)
        assert mailbox.counts() == dict.fromkeys(ids, 1)
