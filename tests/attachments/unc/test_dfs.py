"""DFS links of a real server: gone to where their targets are allowed, and not a byte where they are not."""

from __future__ import annotations

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.shares import Shares
from tests.rigs.rogue import running_rogue
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, content_of


def test_a_direct_path_to_a_host_that_is_not_allowed_gives_it_nothing(samba: Samba, shares: Shares) -> None:
    with running_rogue() as rogue:
        with pytest.raises(AttachmentFault) as caught:
            shares.open_by(rf"\\{rogue.address}\reports\a.txt", access(samba.address))
        assert caught.value.kind is Fault.NOT_ALLOWED
        assert caught.value.words == (
            f"the host {rogue.address} is not allowed; "
            f"this allows it: notify share allow {rogue.address} --reason TEXT"
        )
        assert (rogue.connections, rogue.received) == (0, b"")


def test_a_link_to_an_allowed_share_is_followed(samba: Samba, shares: Shares) -> None:
    samba.write("folder/a.txt", b"hello")
    samba.link("link", rf"{samba.address}\reports")
    given = access(samba.address)
    for _ in range(2):
        assert content_of(shares.open_by(samba.path(r"link\folder\a.txt", "dfs"), given)) == b"hello"
    with pytest.raises(AttachmentFault, match="where its DFS link leads: there is no such file"):
        shares.open_by(samba.path(r"link\folder\none.txt", "dfs"), given)


def test_a_link_to_a_host_that_is_not_allowed_gives_it_nothing(samba: Samba, shares: Shares) -> None:
    with running_rogue() as rogue:
        samba.link("link", rf"{rogue.address}\reports")
        with pytest.raises(AttachmentFault) as caught:
            shares.open_by(samba.path(r"link\a.txt", "dfs"), access(samba.address))
        assert caught.value.kind is Fault.NOT_ALLOWED
        assert caught.value.words == (
            f"where its DFS link leads: the host {rogue.address} is not allowed; "
            f"this allows it: notify share allow {rogue.address} --reason TEXT"
        )
        assert (rogue.connections, rogue.received) == (0, b"")


def test_of_several_targets_the_first_that_is_allowed_and_answers_is_read(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    with running_rogue() as rogue:
        samba.link("link", rf"{rogue.address}\reports,127.255.255.254\reports,{samba.address}\reports")
        given = access(samba.address, "127.255.255.254")
        assert content_of(shares.open_by(samba.path(r"link\a.txt", "dfs"), given)) == b"hello"
        assert (rogue.connections, rogue.received) == (0, b"")


def test_where_one_share_of_a_host_is_allowed_a_link_does_not_lead_into_another(
    samba: Samba, shares: Shares
) -> None:
    samba.write("a.txt", b"hello")
    samba.link("link", rf"{samba.address}\reports")
    with pytest.raises(AttachmentFault, match=r"the share \\\\.*\\reports is not allowed"):
        shares.open_by(samba.path(r"link\a.txt", "dfs"), access(rf"\\{samba.address}\dfs"))


def test_links_that_lead_to_each_other_end(samba: Samba, shares: Shares) -> None:
    samba.link("a", rf"{samba.address}\dfs\b")
    samba.link("b", rf"{samba.address}\dfs\a")
    samba.link("self", rf"{samba.address}\dfs\self")
    for link in ("a", "self"):
        with pytest.raises(AttachmentFault) as caught:
            shares.open_by(samba.path(rf"{link}\a.txt", "dfs"), access(samba.address))
        assert caught.value.kind in {Fault.BROKEN, Fault.MISSING}


def test_a_host_that_is_allowed_hears_from_a_link_to_it(samba: Samba, shares: Shares) -> None:
    with running_rogue() as allowed:
        samba.link("link", rf"{allowed.address}\reports")
        with pytest.raises(AttachmentFault, match="where its DFS link leads: the host does not answer"):
            shares.open_by(
                samba.path(r"link\a.txt", "dfs"), access(samba.address, allowed.address, seconds=2.0)
            )
        assert allowed.connections == 1
        assert b"SMB" in allowed.received
