from __future__ import annotations

import hashlib
import random

import pytest
import redis

from settings_store.redis_client import connect
from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tests.rigs.processes import free_port
from tests.rigs.samba import UPN, USER, Samba
from tests.rigs.share_access import access, content_of

TEN_MB = 10 * 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, TEN_MB + 7])
@pytest.mark.parametrize("share", ["reports", "encrypted"])
def test_a_file_arrives_byte_for_byte_in_blocks(samba: Samba, shares: Shares, size: int, share: str) -> None:
    content = random.Random(size).randbytes(size)
    samba.write("report.bin", content)
    file = shares.open_by(samba.path("report.bin", share), access(samba.address))
    assert (file.name, file.size_bytes) == ("report.bin", size)
    blocks = list(file.blocks())
    assert all(0 < len(block) <= BLOCK_BYTES for block in blocks)
    assert hashlib.sha256(b"".join(blocks)).digest() == hashlib.sha256(content).digest()
    file.close()
    file.close()


@pytest.mark.parametrize("user", [USER, UPN, f"CORP\\{USER}"])
def test_each_form_of_an_account_signs_in(samba: Samba, shares: Shares, user: str) -> None:
    samba.write("a.txt", b"hello")
    assert content_of(shares.open_by(samba.path("a.txt"), access(samba.address, user=user))) == b"hello"


@pytest.mark.parametrize(
    "name", ["Größe 😀 отчёт.txt", r"Ordner Ä\unter 日本\x.log", "a b'c;d,e+f=g[h]{i}&%$#!~^.txt"]
)
def test_names_of_all_the_world_are_found(samba: Samba, shares: Shares, name: str) -> None:
    samba.write(name.replace("\\", "/"), b"found")
    file = shares.open_by(samba.path(name), access(samba.address))
    assert (file.name, content_of(file)) == (name.rpartition("\\")[2], b"found")


def test_a_share_that_ends_in_a_dollar_is_read_where_it_is_listed_by_name(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    path = samba.path("a.txt", "hidden$")
    with pytest.raises(AttachmentFault, match=r"the share \\\\.*\\hidden\$ is not allowed"):
        shares.open_by(path, access(samba.address))
    assert content_of(shares.open_by(path, access(rf"\\{samba.address}\Hidden$"))) == b"hello"


def test_a_file_that_grew_is_cut_at_the_size_it_had(samba: Samba, shares: Shares) -> None:
    written = samba.write("job.log", b"a" * (BLOCK_BYTES + 10))
    file = shares.open_by(samba.path("job.log"), access(samba.address))
    with written.open("ab") as log:
        log.write(b"b" * BLOCK_BYTES)
    assert content_of(file) == b"a" * (BLOCK_BYTES + 10)


@pytest.mark.parametrize("left", [0, 1, BLOCK_BYTES, 2 * BLOCK_BYTES - 1])
def test_a_file_that_became_shorter_is_a_fault(samba: Samba, shares: Shares, left: int) -> None:
    written = samba.write("job.log", b"a" * (2 * BLOCK_BYTES))
    file = shares.open_by(samba.path("job.log"), access(samba.address))
    with written.open("r+b") as log:
        log.truncate(left)
    with pytest.raises(AttachmentFault, match="became shorter") as caught:
        content_of(file)
    assert caught.value.kind is Fault.CHANGED


def test_a_file_is_read_again_from_its_beginning(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    file = shares.open_by(samba.path("a.txt"), access(samba.address))
    assert [b"".join(file.blocks()) for _ in range(3)] == [b"hello"] * 3
    blocks = file.blocks()
    next(blocks)
    assert b"".join(file.blocks()) == b"hello"
    file.close()


def test_a_file_is_read_again_after_its_server_came_back(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    file = shares.open_by(samba.path("a.txt"), access(samba.address))
    assert b"".join(file.blocks()) == b"hello"
    samba.stop()
    samba.start()
    assert content_of(file) == b"hello"


def test_a_file_that_changed_its_size_meanwhile_keeps_to_what_was_said(samba: Samba, shares: Shares) -> None:
    written = samba.write("a.txt", b"hello")
    file = shares.open_by(samba.path("a.txt"), access(samba.address))
    samba.stop()
    samba.start()
    written.write_bytes(b"hello world")
    assert content_of(file) == b"hello"


def test_a_file_that_cannot_be_opened_a_second_time_is_a_fault_of_the_file(
    samba: Samba, redis_server: redis.Redis
) -> None:
    samba.write("a.txt", b"hello")
    client = connect(
        f"redis://127.0.0.1:{redis_server.connection_pool.connection_kwargs['port']}/0", retries=0
    )
    shares = Shares(SignInGuard(client))
    file = shares.open_by(samba.path("a.txt"), access(samba.address))
    samba.stop()
    samba.start()
    client.connection_pool.connection_kwargs["port"] = free_port()
    client.connection_pool.reset()
    with pytest.raises(AttachmentFault, match="could not be opened a second time") as caught:
        content_of(file)
    assert (caught.value.kind, caught.value.is_passing) == (Fault.UNREACHABLE, True)
