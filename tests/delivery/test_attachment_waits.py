"""Files that cannot be had at the moment: how long a mail waits for them, and where."""

from __future__ import annotations

from tasks.attachments.source import AttachmentFault, Fault
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.mail_files import accept, files_of, put, words_of
from tests.rigs.odd_files import OddFile, OddShare

LOCKED = AttachmentFault(Fault.LOCKED, "another program has it open", is_passing=True)
GONE = AttachmentFault(Fault.MISSING, "there is no such file on the share")


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
