"""Nobody between us and a server can change what we read."""

from __future__ import annotations

import pytest

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc.shares import Shares
from tests.rigs.forging import running_forger
from tests.rigs.samba import Samba
from tests.rigs.share_access import access, content_of


@pytest.mark.parametrize("hides_signature", [False, True])
def test_a_forged_answer_is_never_taken_for_the_files_content(
    samba: Samba, shares: Shares, *, hides_signature: bool
) -> None:
    samba.write("a.txt", b"hello")
    with running_forger(samba, hides_signature=hides_signature) as forger:
        file = shares.open_by(rf"\\{forger.address}\reports\a.txt", access(forger.address))
        with pytest.raises(AttachmentFault, match="or without the signature it must have") as caught:
            content_of(file)
        assert caught.value.kind is Fault.BROKEN
        assert forger.forged == 1


def test_a_relay_that_forges_nothing_changes_nothing(samba: Samba, shares: Shares) -> None:
    """What the two tests above see is the forgery, and not the relay."""
    samba.write("empty.txt", b"")
    with running_forger(samba, hides_signature=True) as relay:
        file = shares.open_by(rf"\\{relay.address}\reports\empty.txt", access(relay.address))
        assert (content_of(file), relay.forged) == (b"", 0)


def test_an_encrypted_answer_cannot_be_forged_at_all(samba: Samba, shares: Shares) -> None:
    samba.write("a.txt", b"hello")
    with running_forger(samba, hides_signature=True) as relay:
        given = access(relay.address, must_encrypt=True)
        assert content_of(shares.open_by(rf"\\{relay.address}\reports\a.txt", given)) == b"hello"
        assert relay.forged == 0
