"""Files that others have open: they keep every right while we read, and we wait a little for theirs."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.open import FilePipePrinterAccessMask, ShareAccess

from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault
from tasks.attachments.unc.lock_patience import LOCKED_WAITS_SECONDS
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tests.rigs.other_program import OtherProgram
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, content_of

WRITING = FilePipePrinterAccessMask.FILE_WRITE_DATA | FilePipePrinterAccessMask.FILE_APPEND_DATA
NOTHING_SHARED = 0


def shares_that_pause(redis_server: redis.Redis, pause: Callable[[float], None]) -> Shares:
    return Shares(SignInGuard(redis_server), pause=pause)


def test_a_job_goes_on_writing_its_log_while_we_read_it(samba: Samba, shares: Shares) -> None:
    samba.write("job.log", b"line 1\n").chmod(0o666)
    file = shares.open_by(samba.path("job.log"), access(samba.address))
    with OtherProgram(samba) as job, job.opened("job.log", WRITING, ShareAccess.FILE_SHARE_READ) as log:
        log.write(b"line 2\n", 7)
        assert content_of(file) == b"line 1\n"


def test_a_log_that_a_job_has_open_for_writing_is_read(samba: Samba, shares: Shares) -> None:
    samba.write("job.log", b"line 1\n").chmod(0o666)
    with OtherProgram(samba) as job, job.opened("job.log", WRITING, ShareAccess.FILE_SHARE_READ):
        assert content_of(shares.open_by(samba.path("job.log"), access(samba.address))) == b"line 1\n"


def test_a_file_that_is_locked_for_a_moment_is_waited_for(samba: Samba, redis_server: redis.Redis) -> None:
    samba.write("job.log", b"line 1\n").chmod(0o666)
    with OtherProgram(samba) as job:
        locked = job.opened("job.log", WRITING, NOTHING_SHARED)
        locked.__enter__()
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                locked.__exit__(None, None, None)

        shares = shares_that_pause(redis_server, pause)
        assert content_of(shares.open_by(samba.path("job.log"), access(samba.address))) == b"line 1\n"
        assert waits == list(LOCKED_WAITS_SECONDS[:2])
        shares.close()


def test_a_file_that_stays_locked_is_told_in_windows_words(samba: Samba, redis_server: redis.Redis) -> None:
    samba.write("job.log", b"line 1\n").chmod(0o666)
    waits: list[float] = []
    shares = shares_that_pause(redis_server, waits.append)
    with OtherProgram(samba) as job, job.opened("job.log", WRITING, NOTHING_SHARED):
        with pytest.raises(AttachmentFault, match="sharing violation: another program has it open") as caught:
            shares.open_by(samba.path("job.log"), access(samba.address))
        assert (caught.value.kind, caught.value.is_passing) == (Fault.LOCKED, True)
        assert waits == list(LOCKED_WAITS_SECONDS)
        waits.clear()
        with pytest.raises(AttachmentFault, match="sharing violation"):
            shares.open_by(samba.path("job.log"), access(samba.address), seconds=0.2)
        assert waits == []
    shares.close()


@contextlib.contextmanager
def part_locked(file: Path) -> Iterator[None]:
    """Keep everybody from reading a part of a file, as programs do that write records."""
    with file.open("r+b") as opened:
        fcntl.lockf(opened, fcntl.LOCK_EX, 10, BLOCK_BYTES)
        yield


def test_a_part_that_is_locked_for_a_moment_is_waited_for_while_the_file_is_read(
    samba: Samba, redis_server: redis.Redis
) -> None:
    content = b"x" * (2 * BLOCK_BYTES)
    written = samba.write("records.dat", content)
    with contextlib.ExitStack() as locked:
        locked.enter_context(part_locked(written))
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                locked.close()

        shares = shares_that_pause(redis_server, pause)
        assert content_of(shares.open_by(samba.path("records.dat"), access(samba.address))) == content
        assert waits == list(LOCKED_WAITS_SECONDS[:2])
        shares.close()


def test_a_part_that_stays_locked_is_told_in_windows_words(samba: Samba, redis_server: redis.Redis) -> None:
    written = samba.write("records.dat", b"x" * (2 * BLOCK_BYTES))
    waits: list[float] = []
    shares = shares_that_pause(redis_server, waits.append)
    with part_locked(written):
        file = shares.open_by(samba.path("records.dat"), access(samba.address))
        with pytest.raises(AttachmentFault, match="another program has locked a part of it") as caught:
            content_of(file)
    assert (caught.value.kind, caught.value.is_passing) == (Fault.LOCKED, True)
    assert waits == list(LOCKED_WAITS_SECONDS)
    shares.close()


def test_we_never_keep_anybody_from_replacing_or_deleting_a_file(samba: Samba, shares: Shares) -> None:
    written = samba.write("job.log", b"line 1\n")
    written.chmod(0o666)
    samba.reports.chmod(0o777)
    file = shares.open_by(samba.path("job.log"), access(samba.address))
    with OtherProgram(samba) as job:
        try:
            job.delete("job.log")
        except SMBResponseException as refused:  # pragma: no cover  # the message of the failure
            pytest.fail(f"deleting was refused: {refused}")
    file.close()
    assert not written.exists()
