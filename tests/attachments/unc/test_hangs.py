"""Servers that stop in the middle: the reader is told within its time, and the next file is read again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault, OpenFile
from tasks.attachments.unc.shares import Shares
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, content_of


def first_block(file: OpenFile) -> Iterator[bytes]:
    blocks = file.blocks()
    assert len(next(blocks)) == BLOCK_BYTES
    return blocks


def test_a_server_that_dies_in_mid_read_is_a_fault_and_the_next_file_is_read_when_it_is_back(
    samba: Samba, shares: Shares
) -> None:
    samba.write("big.bin", b"x" * (8 * BLOCK_BYTES))
    file = shares.open_by(samba.path("big.bin"), access(samba.address))
    blocks = first_block(file)
    samba.stop()
    with pytest.raises(AttachmentFault, match="the connection to the server was lost") as caught:
        list(blocks)
    assert (caught.value.kind, caught.value.is_passing) == (Fault.UNREACHABLE, True)
    file.close()
    samba.start()
    assert content_of(shares.open_by(samba.path("big.bin"), access(samba.address))) == b"x" * (
        8 * BLOCK_BYTES
    )


def test_a_server_that_hangs_in_mid_read_is_given_up_when_the_time_is_over(
    samba: Samba, shares: Shares
) -> None:
    samba.write("big.bin", b"x" * (8 * BLOCK_BYTES))
    file = shares.open_by(samba.path("big.bin"), access(samba.address, seconds=3.0))
    blocks = first_block(file)
    samba.freeze()
    began = time.monotonic()
    with pytest.raises(AttachmentFault, match="did not answer in time") as caught:
        list(blocks)
    assert caught.value.kind is Fault.LATE
    assert time.monotonic() - began < 60
    file.close()
    with pytest.raises(AttachmentFault, match=r"did not answer in time \(tried "):
        shares.open_by(samba.path("big.bin"), access(samba.address))


def test_a_server_that_hangs_at_the_opening_is_given_up_when_the_time_is_over(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    content_of(shares.open_by(samba.path("a.txt"), access(samba.address)))
    samba.freeze()
    with pytest.raises(AttachmentFault, match="did not answer in time"):
        shares.open_by(samba.path("a.txt"), access(samba.address, seconds=1.0))


def test_what_was_in_use_when_the_server_hung_does_not_hold_up_another_thread(
    samba: Samba, shares: Shares
) -> None:
    """Each thread has a connection of its own, so one that is given up takes no other's file along."""
    samba.write("big.bin", b"x" * (4 * BLOCK_BYTES))
    given = access(samba.address)
    opened: list[OpenFile] = []
    thread = threading.Thread(target=lambda: opened.append(shares.open_by(samba.path("big.bin"), given)))
    thread.start()
    thread.join()
    mine = shares.open_by(samba.path("big.bin"), given)
    assert samba.connections() == 2
    mine._opened.lent.session.drop()  # type: ignore[attr-defined]  # as the watchdog does
    assert content_of(opened[0]) == b"x" * (4 * BLOCK_BYTES)
    mine.close()


def test_a_kept_session_that_the_server_ended_is_made_anew(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    given = access(samba.address)
    content_of(shares.open_by(samba.path("a.txt"), given))
    samba.stop()
    samba.start()
    assert content_of(shares.open_by(samba.path("a.txt"), given)) == b"hello"
