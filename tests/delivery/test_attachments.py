"""Files on their way from their source into the mails of servers: limits, grace, strictness, repetitions."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from settings_store.errors import SecretFault
from tasks.attachments.fitting import MEGABYTE
from tasks.attachments.gatherer import Places
from tasks.attachments.local_files import LocalFiles
from tasks.attachments.source import AttachmentFault, Fault
from tasks.verdict import Verdict
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer, Text
from tests.rigs.odd_files import OddFile, OddShare
from tests.rigs.scripted_smtp import Drop

A, B = "a@x.test", "b@x.test"
LOCKED = AttachmentFault(Fault.LOCKED, "another program has it open", is_passing=True)
GONE = AttachmentFault(Fault.MISSING, "there is no such file on the share")


def read(text: Text) -> EmailMessage:
    found = message_from_bytes(text.raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def files_of(text: Text) -> dict[str, bytes]:
    return {
        str(part.get_filename()): part.get_payload(decode=True)  # type: ignore[misc]
        for part in read(text).iter_attachments()
    }


def words_of(text: Text) -> str:
    part = read(text).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()


@pytest.fixture
def share(bench: Bench) -> Iterator[OddShare]:
    """A share whose files a test makes; each is given back as often as it was given out."""
    share = OddShare()
    bench.gatherer = bench.gatherer_of(Places(LocalFiles(), share))
    bench.deliverer = bench.new_deliverer()
    yield share
    for file in share.given:
        assert isinstance(file, OddFile)
        assert file.closed == share.given.count(file)


def put(share: OddShare, name: str, content: bytes = b"x") -> str:
    path = rf"\\srv\logs\{name}"
    share.files[path] = OddFile(name, content)
    return path


def accept(bench: Bench, *paths: str, **fields: object) -> None:
    bench.accept_email(A, attachments=[{"path": path} for path in paths], **fields)


def test_files_arrive_whole_in_order_beside_what_the_notification_brings(
    bench: Bench, primary: MailServer, share: OddShare, tmp_path: Path
) -> None:
    bench.set(local_files__folders=str(tmp_path))
    local = tmp_path / "local.txt"
    local.write_text("grün\n", encoding="utf-8")
    content = hashlib.sha512(b"x").digest() * 40_000
    brought = {"name": "brought.txt", "content_base64": base64.b64encode(b"\xff").decode()}
    wanted = [{"path": put(share, "big.bin", content)}, brought, {"path": str(local)}]
    bench.accept_email(A, attachments=wanted)
    assert bench.deliver().state == "delivered"
    (text,) = primary.taken
    assert list(files_of(text)) == ["big.bin", "brought.txt", "local.txt"]
    assert list(files_of(text).values()) == [content, b"\xff", "grün\n".encode()]
    types = [part["Content-Type"] for part in read(text).iter_attachments()]
    assert types == ["application/octet-stream", "application/octet-stream", 'text/plain; charset="utf-8"']
    assert "SIZE=" in " ".join(primary.commands)
    assert words_of(text) == f"ID={bench.record().number} Job failed"


def test_no_file_is_opened_while_every_server_is_passed_over(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    bench.set(delivery__breaker_failures=1)
    primary.go_down()
    accept(bench, put(share, "f.log"))
    bench.deliver()
    assert len(share.opened) == 1
    for _ in range(3):
        assert bench.again().state == "waiting"
    assert len(share.opened) == 1
    primary.come_up()
    bench.probe()
    bench.run_out()
    assert files_of(primary.taken[0]) == {"f.log": b"x"}
    assert len(share.opened) == 2


def test_a_server_that_was_opened_while_files_were_read_is_not_knocked_at(
    bench: Bench, primary: MailServer, secondary: MailServer, share: OddShare
) -> None:
    found = OddFile("f.log", b"x")

    def fail_elsewhere() -> OddFile:
        bench.breaker.report(
            bench.fingerprint("primary_email"),
            Verdict.SERVER_DOWN,
            name="primary_email",
            token="another",
            began_ms=bench.clock.now_ms,
            failures_before_open=1,
        )
        return found

    share.files["//srv/logs/f.log"] = fail_elsewhere
    accept(bench, "//srv/logs/f.log")
    assert bench.deliver().state == "delivered"
    assert primary.connections == 0
    assert files_of(secondary.taken[0]) == {"f.log": b"x"}


def test_each_fetch_is_in_the_timeline_with_bytes_seconds_and_outcome(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    slow = OddFile("slow.log", b"12345")

    def take_time() -> OddFile:
        bench.clock.advance(2)
        return slow

    share.files["//srv/logs/slow.log"] = take_time
    share.files["//srv/logs/no.log"] = GONE
    brought = {"name": "b.txt", "content_base64": "YQ=="}
    bench.accept_email(
        A, attachments=[{"path": "//srv/logs/slow.log"}, brought, {"path": "//srv/logs/no.log"}]
    )
    began = bench.clock.now_ms
    bench.deliver()
    fetched, missing, sent = bench.timeline()
    revision = bench.store.snapshot().revision
    assert fetched == {
        "at": began + 2_000, "pass": 1, "stage": "attachment", "verdict": "attachment_fetched", "reason": "",
        "file": "slow.log", "bytes": 5, "seconds": 2.0, "indexes": [], "revision": revision,
    }  # fmt: skip
    assert missing == {
        **fetched, "verdict": "attachment_missing", "reason": GONE.words, "file": "no.log", "bytes": 0,
        "seconds": 0.0,
    }  # fmt: skip
    assert sent["verdict"] == "delivered"
    assert primary.taken


def test_what_cannot_be_had_is_named_in_text_and_page_and_the_mail_goes_on_time(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files[r"\\srv\logs\a&b.log"] = GONE
    good = put(share, "good.log")
    accept(bench, r"\\srv\logs\a&b.log", good, html="<body>x</body>")
    began = bench.clock.now_ms
    assert bench.deliver().state == "delivered"
    (text,) = primary.taken
    line = r"Attachment not sent: \\srv\logs\a&b.log: there is no such file on the share"
    assert words_of(text).endswith(f"\n\n{line}")
    page = read(text).get_body(("html",))
    assert page is not None
    assert r"<p>Attachment not sent: \\srv\logs\a&amp;b.log: there is no such" in page.get_content()
    assert list(files_of(text)) == ["good.log"]
    assert bench.clock.now_ms == began


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


def test_a_locked_file_is_waited_for_a_moment_without_a_slot_and_goes_along_once_it_is_free(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    path = put(share, "f.log", b"free")
    free, share.files[path] = share.files[path], LOCKED
    other = put(share, "other.log")
    accept(bench, other, path)
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 5.0)
    assert bench.record().reason == "waits a moment for attachment 2 of 2: it is locked"
    assert bench.timeline() == ()
    share.files[path] = free
    assert bench.again().state == "delivered"
    assert files_of(primary.taken[0])["f.log"] == b"free"
    assert bench.record().passes == 1


def test_a_file_that_stays_locked_keeps_the_mail_no_longer_than_the_option_says(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    bench.set(attachments__patience_seconds=12)
    share.files["//srv/s/f.log"] = LOCKED
    accept(bench, "//srv/s/f.log")
    began = bench.clock.now_ms
    record = bench.run_out()
    assert record.state == "delivered"
    assert bench.clock.now_ms - began == 12_000
    assert "another program has it open" in words_of(primary.taken[0])
    assert len(share.opened) == 4


def test_without_patience_a_locked_file_keeps_the_mail_not_at_all(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    bench.set(attachments__patience_seconds=0)
    share.files["//srv/s/f.log"] = LOCKED
    accept(bench, "//srv/s/f.log")
    assert bench.deliver().state == "delivered"
    assert primary.taken


def test_a_strict_notification_waits_for_its_file_by_the_schedule(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    path = put(share, "f.log")
    there, share.files[path] = share.files[path], GONE
    accept(bench, path, strict=True)
    waits = []
    for _ in range(3):
        result = bench.deliver()
        assert result.state == "waiting"
        waits.append(result.wait_seconds)
        assert bench.record().reason == "strict: attachment 1 of 1: it is missing"
        bench.wait()
    assert waits == [15.0, 45.0, 240.0]
    assert [entry["verdict"] for entry in bench.timeline()] == ["attachment_missing"]
    assert primary.connections == 0
    share.files[path] = there
    assert bench.deliver().state == "delivered"
    assert list(files_of(primary.taken[0])) == ["f.log"]


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


def test_the_next_pass_tells_a_fetch_again_only_where_it_came_out_otherwise(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    primary.answers["MAIL"] = ["451 4.3.0 no"] * 3
    path = put(share, "f.log")
    there, share.files[path] = share.files[path], GONE
    accept(bench, path)
    bench.deliver()
    bench.again()
    share.files[path] = there
    bench.again()
    assert bench.again().state == "delivered"
    told = [entry["verdict"] for entry in bench.timeline() if entry["stage"] == "attachment"]
    assert told == ["attachment_missing", "attachment_fetched"]


def test_files_with_one_name_are_numbered_and_no_name_has_a_folder(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/a/f.log"] = OddFile("f.log", b"1")
    share.files["//srv/b/f.log"] = OddFile("F.log", b"2")
    share.files["//srv/s/c"] = OddFile(r"..\c\報告.txt", b"3")
    accept(bench, "//srv/a/f.log", "//srv/b/f.log", "//srv/s/c")
    assert bench.deliver().state == "delivered"
    assert files_of(primary.taken[0]) == {"f.log": b"1", "F (2).log": b"2", "報告.txt": b"3"}


def test_fifty_files_that_hang_end_within_the_minute_that_opening_may_take(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    def hang() -> OddFile:
        bench.clock.advance(25)
        raise AttachmentFault(Fault.LATE, "it did not answer in time")

    paths = [f"//srv/s/{number}.log" for number in range(50)]
    share.files.update(dict.fromkeys(paths, hang))
    accept(bench, *paths)
    began = bench.clock.now_ms
    assert bench.deliver().state == "delivered"
    assert bench.clock.now_ms - began == 75_000
    assert len(share.opened) == 3
    assert words_of(primary.taken[0]).count("left no time for it") == 47


def test_nobody_opens_files_for_a_notification_that_is_held(bench: Bench, share: OddShare) -> None:
    path = put(share, "f.log")
    share.opened.clear()
    bench.set(primary_email__server_name="x")
    accept(bench, path)
    bench.set(primary_email__server_name="")
    assert bench.deliver().state == "held"
    assert share.opened == []
    assert bench.record().id == ID


def test_tokens_in_a_path_are_replaced_and_what_they_bring_is_judged_with_it(
    bench: Bench, primary: MailServer, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "Pay 7.log").write_bytes(b"seven")
    (tmp_path / "secret.txt").write_bytes(b"SECRET")
    bench.set(local_files__folders=str(folder))
    accept(
        bench, f"{folder}/[[$JOB NAME]] [[run]].log", f"{folder}/[[out]]/secret.txt", f"{folder}/[[no]].log",
        context={"job": "Pay"}, properties={"run": "7", "out": ".."},
    )  # fmt: skip
    assert bench.deliver().state == "delivered"
    (text,) = primary.taken
    assert files_of(text) == {"Pay 7.log": b"seven"}
    words = " ".join(words_of(text).split())
    assert f"Attachment not sent: {folder}/../secret.txt: it is not below a folder" in words
    assert f"Attachment not sent: {folder}/[[no]].log: there is no such file" in words
    assert bench.timeline()[0]["reason"] == "no value for [[no]]"


def test_a_place_that_breaks_keeps_no_mail_back_and_tells_none_of_its_words(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    def broken() -> OddFile:
        raise RuntimeError("PLANTED")

    share.files["//srv/logs/f.log"] = broken
    accept(bench, "//srv/logs/f.log", put(share, "good.log"))
    assert bench.deliver().state == "delivered"
    (text,) = primary.taken
    assert list(files_of(text)) == ["good.log"]
    assert "it cannot be opened (RuntimeError)" in words_of(text)
    assert b"PLANTED" not in text.raw


def test_a_password_that_this_worker_cannot_open_gives_the_pass_back(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    def sealed() -> OddFile:
        raise SecretFault("general.unc_password: no key fits")

    good = put(share, "good.log")
    share.files["//srv/logs/f.log"] = sealed
    accept(bench, good, "//srv/logs/f.log")
    assert bench.deliver().state == "queued"
    assert "cannot use the options" in bench.record().reason
    assert primary.connections == 0
