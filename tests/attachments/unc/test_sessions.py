"""Sessions are kept, serve one thread at a time, and never outlive their account or their process."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import pytest
import redis

from tasks.attachments.source import BLOCK_BYTES, AttachmentFault
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tests.rigs.processes import wait_until
from tests.rigs.samba import USER, Samba
from tests.rigs.share_access import access, content_of


def test_fifty_files_of_one_mail_share_one_connection(samba: Samba, shares: Shares) -> None:
    given = access(samba.address)
    for number in range(50):
        samba.write(f"{number}.log", b"%d" % number)
    files = [shares.open_by(samba.path(f"{number}.log"), given) for number in range(50)]
    assert samba.connections() == 1
    assert [content_of(file) for file in files] == [b"%d" % number for number in range(50)]
    assert samba.connections() == 1


def test_a_session_is_kept_for_the_next_mail_whatever_its_thread(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    given = access(samba.address)
    ports = set()
    for _ in range(3):
        file = shares.open_by(samba.path("a.txt"), given)
        ports.add(file._opened.lent.session)  # type: ignore[attr-defined]
        with ThreadPoolExecutor(1) as other:
            other.submit(content_of, file).result()
        with ThreadPoolExecutor(1) as other:
            assert other.submit(lambda: content_of(shares.open_by(samba.path("a.txt"), given))).result()
    assert len(ports) == 1
    assert samba.connections() == 1


def test_sixteen_threads_read_at_once(samba: Samba, shares: Shares) -> None:
    contents = {f"{number}.bin": bytes([number]) * (3 * BLOCK_BYTES + number) for number in range(16)}
    for name, content in contents.items():
        samba.write(name, content)
    given = access(samba.address)
    start = threading.Barrier(16)

    def read(name: str) -> bool:
        start.wait()
        return all(content_of(shares.open_by(samba.path(name), given)) == contents[name] for _ in range(3))

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(read, contents)) == [True] * 16
    assert 1 <= samba.connections() <= 16


def test_a_changed_account_closes_what_was_signed_in_with_the_old_one(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    content_of(shares.open_by(samba.path("a.txt"), access(samba.address)))
    in_use = shares.open_by(samba.path("a.txt"), access(samba.address))
    with pytest.raises(AttachmentFault, match="logon failure"):
        shares.open_by(samba.path("a.txt"), access(samba.address, password="wrong"))
    assert content_of(in_use) == b"hello"
    wait_until(lambda: samba.connections() == 0, what="the old account's session being closed")


def test_the_old_password_does_not_open_what_the_new_one_may_not(samba: Samba, shares: Shares) -> None:
    """SMB libraries look a session up by its user alone, so a wrong password would do."""
    samba.write("a.txt", b"hello")
    content_of(shares.open_by(samba.path("a.txt"), access(samba.address)))
    for changed in (access(samba.address, password="wrong"), access(samba.address, user=f"X\\{USER}2")):
        with pytest.raises(AttachmentFault, match="logon failure"):
            shares.open_by(samba.path("a.txt"), changed)


def test_encryption_that_is_required_from_now_on_holds_for_the_next_file(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    content_of(shares.open_by(samba.path("a.txt"), access(samba.address)))
    file = shares.open_by(samba.path("a.txt"), access(samba.address, must_encrypt=True))
    assert file._opened.lent.session._session.encrypt_data is True  # type: ignore[attr-defined]
    assert content_of(file) == b"hello"


def test_a_session_that_nobody_uses_is_closed_after_a_while(samba: Samba, redis_server: redis.Redis) -> None:
    samba.write("a.txt", b"hello")
    shares = Shares(SignInGuard(redis_server), idle_seconds=0.05)
    assert content_of(shares.open_by(samba.path("a.txt"), access(samba.address))) == b"hello"
    wait_until(lambda: samba.connections() == 0, seconds=60, what="the idle session being closed")
    assert content_of(shares.open_by(samba.path("a.txt"), access(samba.address))) == b"hello"
    shares.close()


def test_closing_closes_what_is_idle(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    content_of(shares.open_by(samba.path("a.txt"), access(samba.address)))
    assert samba.connections() == 1
    shares.close()
    wait_until(lambda: samba.connections() == 0, what="the session being closed")


def _read_in_child(shares: Shares, path: str, address: str, answer: Connection) -> None:
    answer.send(content_of(shares.open_by(path, access(address))))
    answer.close()


def test_a_child_of_a_fork_reads_over_connections_of_its_own(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    samba.write("big.bin", b"x" * (4 * BLOCK_BYTES))
    given = access(samba.address)
    content_of(shares.open_by(samba.path("a.txt"), given))
    open_before = shares.open_by(samba.path("big.bin"), given)
    mine, childs = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=_read_in_child, args=(shares, samba.path("a.txt"), samba.address, childs))
    child.start()
    assert mine.poll(60)
    assert mine.recv() == b"hello"
    child.join(60)
    assert child.exitcode == 0
    assert content_of(open_before) == b"x" * (4 * BLOCK_BYTES)
    assert content_of(shares.open_by(samba.path("a.txt"), given)) == b"hello"
