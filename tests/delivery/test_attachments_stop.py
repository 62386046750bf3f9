"""A worker that is asked to stop while it fetches files: others fetch them, and no mail goes without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks.attachments.source import AttachmentFault, Fault, OpenFile
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.mail_files import accept, files_of, put, words_of
from tests.rigs.odd_files import OddFile, OddShare

CUT_SHORT = AttachmentFault(Fault.LATE, "the host does not answer", is_passing=True)
WHY = "the worker was asked to stop while it fetched files"


def stops(bench: Bench, then: AttachmentFault | None = None) -> Callable[[], OpenFile]:
    """A file during whose opening the worker is asked to stop."""

    def opened() -> OpenFile:
        bench.is_stopping = True
        if then is not None:
            raise then
        return OddFile("f.bin", b"whole")

    return opened


def given_back(bench: Bench, primary: MailServer) -> None:
    """Nothing was sent, nothing is held, and nothing was spent."""
    result = bench.deliver()
    assert (result.state, result.reason, result.wait_seconds) == ("queued", WHY, 0.0)
    record = bench.record()
    assert (record.state, record.passes, record.reason) == ("queued", 0, WHY)
    assert primary.texts == []
    assert not bench.has_intent()


def delivered_by_the_next(bench: Bench, primary: MailServer, share: OddShare) -> None:
    bench.is_stopping = False
    share.files["//srv/s/f.bin"] = OddFile("f.bin", b"whole")
    assert bench.deliver().state == "delivered"
    (text,) = primary.texts
    assert files_of(text)["f.bin"] == b"whole"
    assert "not sent" not in words_of(text)


def test_a_fetch_that_was_cut_short_is_made_by_the_next_worker(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/s/f.bin"] = stops(bench, CUT_SHORT)
    accept(bench, "//srv/s/f.bin")
    given_back(bench, primary)
    delivered_by_the_next(bench, primary, share)


def test_files_that_are_not_fetched_yet_are_left_to_the_next_worker(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/s/f.bin"] = stops(bench)
    accept(bench, "//srv/s/f.bin", put(share, "second.log"))
    given_back(bench, primary)
    assert share.opened == ["//srv/s/f.bin"]
    delivered_by_the_next(bench, primary, share)


def test_a_mail_whose_files_are_all_here_still_goes(
    bench: Bench, primary: MailServer, share: OddShare
) -> None:
    share.files["//srv/s/f.bin"] = stops(bench)
    accept(bench, "//srv/s/f.bin")
    assert bench.deliver().state == "delivered"
    assert files_of(primary.taken[0]) == {"f.bin": b"whole"}


@pytest.mark.parametrize("strict", [False, True])
def test_a_file_that_is_cut_short_while_it_is_sent_takes_the_mail_back(
    bench: Bench, primary: MailServer, share: OddShare, *, strict: bool
) -> None:
    def stop() -> None:
        bench.is_stopping = True

    share.files["//srv/s/f.bin"] = OddFile("f.bin", bytes(400_000), CUT_SHORT, 200_000, on_read=stop)
    accept(bench, "//srv/s/f.bin", strict=strict)
    given_back(bench, primary)
    delivered_by_the_next(bench, primary, share)
