"""Files that break off while they are sent, and mails that are sent a second time."""

from __future__ import annotations

import dataclasses

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.mail_files import accept, files_of, put, words_of
from tests.rigs.odd_files import OddFile, OddShare
from tests.rigs.scripted_smtp import Drop

GONE = AttachmentFault(Fault.MISSING, "there is no such file on the share")


@pytest.mark.parametrize(
    "file, words",
    [
        (OddFile("f.bin", bytes(400_000), GONE, 200_000), GONE.words),
        (OddFile("f.bin", bytes(400_000), OSError("//srv/secret"), 200_000), "it cannot be read (OSError)"),
        (OddFile("f.bin", bytes(300_000), claimed_bytes=400_000), "it became shorter while it was read"),
        (OddFile("f.bin", bytes(500_000), claimed_bytes=400_000), "it became longer while it was read"),
    ],
)
def test_a_file_that_is_lost_in_the_middle_is_sent_by_nobody_and_the_mail_goes_at_once_without_it(
    bench: Bench, primary: MailServer, share: OddShare, file: OddFile, words: str
) -> None:
    file = dataclasses.replace(file)
    share.files["//srv/s/f.bin"] = file
    accept(bench, put(share, "good.log"), "//srv/s/f.bin")
    assert bench.deliver().state == "delivered"
    (text,) = primary.texts
    assert list(files_of(text)) == ["good.log"]
    assert f"Attachment not sent: //srv/s/f.bin: {words}" in words_of(text)
    assert bench.story()[2:] == ["primary_email body attachment_lost", "primary_email final delivered"]
    assert not bench.has_intent()
    assert bench.record().outcomes == ("delivered",)
    lost = bench.timeline()[2]
    assert (lost["server"], lost["file"]) == ("primary_email", "f.bin")
    assert "f.bin" not in lost["reason"]


def test_a_strict_notification_whose_file_is_lost_in_the_middle_waits(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/s/f.bin"] = OddFile("f.bin", bytes(400_000), GONE, 200_000)
    accept(bench, "//srv/s/f.bin", strict=True)
    assert bench.deliver().state == "waiting"
    assert primary.texts == []
    assert not bench.has_intent()
    share.files["//srv/s/f.bin"] = OddFile("f.bin", b"whole")
    assert bench.again().state == "delivered"
    assert files_of(primary.taken[0]) == {"f.bin": b"whole"}


def test_a_source_that_takes_too_long_is_given_up_and_the_server_is_not_blamed(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/s/f.bin"] = OddFile("f.bin", bytes(400_000), on_read=lambda: bench.clock.advance(50))
    accept(bench, "//srv/s/f.bin")
    assert bench.deliver().state == "delivered"
    assert "reading it took more than 120 s" in words_of(primary.taken[0])
    assert [entry["verdict"] for entry in bench.timeline()][1:] == ["attachment_lost", "delivered"]


def test_a_resend_after_a_lost_reply_is_the_same_to_the_byte(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    primary.answers["DOT"] = [Drop(), None]
    share.files["//srv/s/no.log"] = GONE
    accept(bench, put(share, "f.log", b"x" * 5_000), "//srv/s/no.log", put(share, "f2.bin", b"\0" * 70_000))
    assert bench.deliver().state == "waiting"
    assert bench.again().state == "delivered"
    first, second = primary.texts
    assert first.raw == second.raw
    assert len(files_of(first)) == 2
