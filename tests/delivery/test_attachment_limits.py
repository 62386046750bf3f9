"""The limits of the server that is being tried: what fits goes along, and what is said of the rest."""

from __future__ import annotations

import pytest

from tasks.attachments.fitting import MEGABYTE
from tasks.delivery.attempt import RECIPIENTS_PER_TRANSACTION
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.mail_files import accept, files_of, put, words_of
from tests.rigs.odd_files import OddShare


def test_a_secondary_with_other_limits_gets_what_fits_into_those(
    bench: Bench, primary: MailServer, secondary: MailServer, share: OddShare
) -> None:
    bench.set(primary_email__total_attachment_size_mb=4, secondary_email__total_attachment_size_mb=1)
    primary.answers["MAIL"] = "451 4.3.0 no"
    big = put(share, "big.log", bytes(MEGABYTE))
    small = put(share, "small.log", bytes(1000))
    accept(bench, big, small)
    assert bench.deliver().state == "delivered"
    assert any("SIZE=143" in command for command in primary.commands)
    (text,) = secondary.taken
    assert list(files_of(text)) == ["small.log"]
    assert (
        rf"Attachment not sent: {big} (1 MB): too large, Secondary Email takes 1 MB of attachments, and as "
        "sent it has 1.4 MB" in words_of(text).replace("\n", " ")
    )


def test_what_a_server_got_the_mail_without_is_in_the_timeline_once_however_many_transactions(
    bench: Bench, primary: MailServer, secondary: MailServer, share: OddShare
) -> None:
    bench.set(primary_email__maximum_attachments=0, secondary_email__maximum_attachments=1)
    primary.answers["MAIL"] = "451 4.3.0 no"
    small, big = put(share, "small.log"), put(share, "big.log", bytes(1000))
    bench.accept_email(
        *(f"{number}@x.test" for number in range(RECIPIENTS_PER_TRANSACTION + 1)),
        attachments=[{"path": path} for path in (small, big)],
    )
    assert bench.deliver().state == "delivered"
    assert len(secondary.taken) == 2
    told = [entry for entry in bench.timeline() if entry["verdict"] == "attachment_left_out"]
    assert [(entry["file"], entry["bytes"], entry["reason"]) for entry in told] == [
        ("big.log", 1000, "Secondary Email takes no more than 1 attachment")
    ]


def test_a_limit_of_zero_is_none_at_all_and_a_number_is_counted(
    bench: Bench, primary: MailServer, secondary: MailServer, share: OddShare
) -> None:
    bench.set(primary_email__maximum_attachments=0, secondary_email__maximum_attachments=1)
    primary.answers["DOT"] = "451 4.3.0 no"
    accept(bench, put(share, "one.log"), put(share, "two.log"))
    assert bench.deliver().state == "delivered"
    (offered,) = primary.texts
    assert files_of(offered) == {}
    assert words_of(offered).count("Primary Email takes no attachments") == 2
    (text,) = secondary.taken
    assert list(files_of(text)) == ["one.log"]
    assert "two.log (1 bytes): Secondary Email takes no more than 1 attachment" in words_of(text)


@pytest.mark.parametrize("limit_bytes", [1, 800, 3_000, 14_000, 40_000, 200_000])
def test_the_size_that_the_server_names_holds_for_the_whole_message(
    bench: Bench, primary: MailServer, share: OddShare, limit_bytes: int
) -> None:
    primary.offers = ("PIPELINING", f"SIZE {limit_bytes}")
    accept(bench, *(put(share, f"{size}.bin", bytes(size)) for size in (100_000, 20_000, 5_000, 500)))
    state = bench.deliver().state
    if limit_bytes < 3_000:
        assert state == "failed"
        assert primary.texts == []
        return
    assert state == "delivered"
    (text,) = primary.taken
    assert len(text.raw) <= limit_bytes
    names = list(files_of(text))
    assert names == {
        3_000: ["500.bin"], 14_000: ["5000.bin", "500.bin"], 40_000: ["20000.bin", "5000.bin", "500.bin"],
        200_000: ["100000.bin", "20000.bin", "5000.bin", "500.bin"],
    }[limit_bytes]  # fmt: skip
    assert words_of(text).count("Attachment not sent") == 4 - len(names)


def test_a_strict_notification_goes_by_the_server_that_takes_all_of_it(
    bench: Bench, primary: MailServer, secondary: MailServer, share: OddShare
) -> None:
    bench.set(primary_email__maximum_attachments=1)
    accept(bench, put(share, "1.log"), put(share, "2.log"), strict=True)
    assert bench.deliver().state == "delivered"
    assert primary.texts == []
    assert list(files_of(secondary.taken[0])) == ["1.log", "2.log"]
    assert bench.story()[2:] == ["primary_email mail attachments_wait", "secondary_email final delivered"]
    assert bench.timeline()[2]["reason"] == (
        "strict: attachment 2 of 2: Primary Email takes no more than 1 attachment"
    )


def test_a_strict_notification_that_fits_nowhere_waits_with_the_limit_as_its_reason(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    bench.set(primary_email__maximum_attachments=0)
    accept(bench, put(share, "1.log"), strict=True)
    assert bench.deliver().state == "waiting"
    assert bench.record().reason == (
        "primary_email: strict: attachment 1 of 1: Primary Email takes no attachments"
    )
    bench.set(primary_email__maximum_attachments=1)
    assert bench.again().state == "delivered"
    assert len(primary.taken) == 1
