"""Every refusal of a real server, in the words of a Windows administrator."""

from __future__ import annotations

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.access import Access
from tasks.attachments.unc.account import NoAccount
from tasks.attachments.unc.allow_list import AllowList
from tasks.attachments.unc.shares import Shares
from tests.rigs.rogue import black_hole, running_rogue
from tests.rigs.samba import PASSWORD, USER, Samba
from tests.rigs.share_access import access, content_of


def fault_of(shares: Shares, path: str, given: Access) -> AttachmentFault:
    with pytest.raises(AttachmentFault) as caught:
        shares.open_by(path, given)
    return caught.value


@pytest.mark.parametrize(
    "user, password, words",
    [
        (USER, "wrong", "logon failure: unknown user name or bad password"),
        ("nobody_of_ours", PASSWORD, "logon failure: unknown user name or bad password"),
        ("disabled", PASSWORD, "the account is disabled"),
        ("locked", PASSWORD, "the account is locked out"),
        ("expired", PASSWORD, "the account has expired"),
        ("must_change", PASSWORD, "the account's password must be changed before it signs in"),
    ],
)
def test_an_account_that_may_not_sign_in_is_told_why(
    samba: Samba, shares: Shares, user: str, password: str, words: str
) -> None:
    fault = fault_of(shares, samba.path("a.txt"), access(samba.address, user=user, password=password))
    assert (fault.kind, fault.words, fault.is_passing) == (Fault.DENIED, words, False)


@pytest.mark.parametrize(
    "path, kind, words",
    [
        (r"reports\none.txt", Fault.MISSING, "there is no such file"),
        (r"reports\none\none.txt", Fault.MISSING, "there is no such folder"),
        (r"none\a.txt", Fault.MISSING, "the server has no such share"),
        (r"reports\folder", Fault.MISSING, "it is a folder, not a file"),
        (r"reports\a.txt\b.txt", Fault.MISSING, "there is no such folder"),
        (r"reports\secret.txt", Fault.DENIED, "access denied: the account may not read it"),
        (r"denied\a.txt", Fault.DENIED, "access denied: the account may not use the share"),
        (r"dfs\none.txt", Fault.MISSING, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_had_is_told_why(
    samba: Samba, shares: Shares, path: str, kind: Fault, words: str
) -> None:
    samba.write("a.txt", b"hello")
    samba.write("folder/b.txt", b"hello")
    samba.write("secret.txt", b"secret").chmod(0o600)
    fault = fault_of(shares, rf"\\{samba.address}\{path}", access(samba.address))
    assert (fault.kind, fault.words, fault.is_passing) == (kind, words, False)


def test_after_a_refusal_of_a_file_the_next_one_is_read_over_the_same_connection(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    first = shares.open_by(samba.path("a.txt"), access(samba.address))
    for inner, share in [("none.txt", "reports"), ("x", "none"), ("a.txt", "denied")]:
        fault_of(shares, samba.path(inner, share), access(samba.address))
    assert content_of(first) == b"hello"
    assert samba.connections() == 1


def test_a_host_that_nobody_knows_is_told(shares: Shares) -> None:
    fault = fault_of(shares, r"\\no-such-host.invalid\reports\a.txt", access("*.invalid"))
    assert fault.kind is Fault.UNREACHABLE
    assert fault.words == "the host no-such-host.invalid is unknown"
    assert fault.is_passing


def test_a_host_that_shares_nothing_is_told(shares: Shares) -> None:
    fault = fault_of(shares, r"\\127.255.255.254\reports\a.txt", access("127.255.255.254"))
    assert (fault.kind, fault.words) == (Fault.UNREACHABLE, "the host shares no files: it refuses SMB")


def test_a_host_behind_a_black_hole_is_given_up_in_time_and_not_waited_for_again(shares: Shares) -> None:
    with black_hole() as address:
        path, given = rf"\\{address}\reports\a.txt", access(address, seconds=1.0)
        first = fault_of(shares, path, given)
        again = [fault_of(shares, path, given) for _ in range(49)]
    assert (first.kind, first.words) == (Fault.LATE, "the host does not answer")
    assert {fault.kind for fault in again} == {Fault.LATE}
    assert all("(tried " in fault.words for fault in again)


def test_a_host_that_had_no_time_left_to_answer_is_asked_again_by_the_next_mail(shares: Shares) -> None:
    with black_hole() as address:
        path, given = rf"\\{address}\reports\a.txt", access(address)
        with pytest.raises(AttachmentFault, match="the host does not answer"):
            shares.open_by(path, given, seconds=0.2)
        with pytest.raises(AttachmentFault) as caught:
            shares.open_by(path, given, seconds=0.2)
    assert caught.value.words == "the host does not answer"


def test_a_host_that_takes_connections_and_says_nothing_is_given_up_in_time(shares: Shares) -> None:
    with running_rogue() as silent:
        fault = fault_of(shares, rf"\\{silent.address}\r\a.txt", access(silent.address, seconds=1.0))
        assert (fault.kind, fault.words) == (Fault.LATE, "the host does not answer")
        assert silent.connections == 1


def test_without_an_account_nothing_is_asked_of_anybody(shares: Shares) -> None:
    with running_rogue() as rogue:
        given = Access(NoAccount("no account"), AllowList.of(rogue.address), must_encrypt=False, seconds=5)
        fault = fault_of(shares, rf"\\{rogue.address}\r\a.txt", given)
        assert (fault.kind, fault.words) == (Fault.DENIED, "no account")
        assert rogue.connections == 0


def test_a_path_that_is_none_is_told(shares: Shares) -> None:
    fault = fault_of(shares, r"C:\x.txt", access())
    assert (fault.kind, fault.words) == (Fault.NOT_ALLOWED, "its path begins with a drive letter")


def test_a_server_that_does_not_encrypt_is_refused_where_encryption_is_required(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    assert (
        content_of(shares.open_by(samba.path("a.txt"), access(samba.address, must_encrypt=True))) == b"hello"
    )
    with samba.changed("server smb encrypt = off"):
        fault = fault_of(shares, samba.path("a.txt"), access(samba.address, must_encrypt=True))
        assert fault.words == "the server does not encrypt, which unc.require_encryption asks for"
        assert content_of(shares.open_by(samba.path("a.txt"), access(samba.address))) == b"hello"


def test_a_server_that_takes_the_account_for_a_guest_is_refused(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    with samba.changed("map to guest = Bad User\nserver signing = auto\nguest account = backup"):
        fault = fault_of(shares, samba.path("a.txt"), access(samba.address, user="nobody_of_ours"))
    assert fault.words == "the server took the account for a guest, which can neither sign nor encrypt"


def test_a_link_out_of_the_share_is_not_read(samba: Samba, shares: Shares) -> None:
    (samba.folder / "outside.txt").write_bytes(b"outside")
    (samba.reports / "link.txt").symlink_to(samba.folder / "outside.txt")
    fault = fault_of(shares, samba.path("link.txt"), access(samba.address))
    assert fault.kind in {Fault.DENIED, Fault.MISSING, Fault.NOT_ALLOWED}
