"""Hosts that answer what no file server would: a fault in words, in time, and never anything else."""

from __future__ import annotations

import random
import struct

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.shares import Shares
from tests.rigs.rogue import running_liar
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, content_of

HEADER = b"\xfeSMB" + struct.pack("<H", 64) + bytes(58)
SMB1 = b"\xffSMBr" + bytes(64)


def framed(message: bytes) -> bytes:
    return struct.pack(">L", len(message)) + message


@pytest.mark.parametrize("hangs_up", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\xff\xff\xff\xff" + bytes(100_000),
        struct.pack(">L", 0x0100_0000) + bytes(100_000),
        framed(b""),
        framed(SMB1),
        framed(HEADER),
        framed(HEADER + bytes(10)),
        framed(HEADER + bytes(200)),
        framed(b"\xfdSMB" + bytes(200)),
        framed(HEADER[:20] + b"\xff\xff\xff\xff" + HEADER[24:] + bytes(100)),
        framed(HEADER) * 3,
        *(framed(b"\xfeSMB" + random.Random(seed).randbytes(200)) for seed in range(5)),
    ],
    ids=range(19),
)
def test_whatever_a_host_answers_ends_in_a_fault(shares: Shares, answer: bytes, *, hangs_up: bool) -> None:
    with running_liar(answer, hangs_up=hangs_up) as address, pytest.raises(AttachmentFault) as caught:
        shares.open_by(rf"\\{address}\reports\a.txt", access(address, seconds=1.5))
    assert caught.value.kind in {Fault.BROKEN, Fault.UNREACHABLE, Fault.LATE}


def test_a_message_that_is_longer_than_smb_allows_is_not_waited_for(shares: Shares) -> None:
    with (
        running_liar(b"\xff\xff\xff\xff", hangs_up=False) as address,
        pytest.raises(AttachmentFault) as caught,
    ):
        shares.open_by(rf"\\{address}\reports\a.txt", access(address))
    assert (caught.value.kind, caught.value.words) == (Fault.BROKEN, "the host does not speak SMB 2 or 3")


def test_a_liar_harms_nobody_else(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    given = access(samba.address)
    file = shares.open_by(samba.path("a.txt"), given)
    with running_liar(framed(HEADER), hangs_up=False) as address, pytest.raises(AttachmentFault):
        shares.open_by(rf"\\{address}\reports\a.txt", access(address, seconds=1.0))
    assert content_of(file) == b"hello"
