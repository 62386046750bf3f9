"""Files on their way from their source into a mail, and what the mail says of those that cannot be had."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from settings_store.errors import SecretFault
from tasks.attachments.source import AttachmentFault, Fault
from tasks.verdict import Verdict
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.mail_files import accept, files_of, put, read, words_of
from tests.rigs.odd_files import OddFile, OddShare

A, B = "a@x.test", "b@x.test"
GONE = AttachmentFault(Fault.MISSING, "there is no such file on the share")


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
