"""Statuses that a Samba of ours does not give, in the words of a Windows administrator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc import status
from tasks.attachments.unc.status import SignInRefused


@pytest.mark.parametrize(
    "code, words",
    [
        (0xC0000071, "the account's password has expired"),
        (0xC000006F, "the account may not sign in at this time of day"),
        (0xC000015B, "the account lacks the right to access this computer from the network"),
        (0xC0000418, "the server does not take NTLM, and this worker speaks nothing else"),
        (0xC0000022, "access denied at sign-in"),
    ],
)
def test_what_is_about_the_account_keeps_it_from_being_tried_again(code: int, words: str) -> None:
    fault = status.of_sign_in(code)
    assert isinstance(fault, SignInRefused)
    assert (fault.kind, fault.words, fault.is_passing) == (Fault.DENIED, words, False)


@pytest.mark.parametrize("code", [0xC000005E, 0xC00000D0, 0xC0000205, 0xC000026D])
def test_what_is_about_the_server_is_no_refusal_of_the_account(code: int) -> None:
    fault = status.of_sign_in(code)
    assert not isinstance(fault, SignInRefused)
    assert (fault.kind, fault.is_passing) == (Fault.UNREACHABLE, True)


def test_one_status_means_something_else_for_a_share_and_for_a_file() -> None:
    assert status.of_share(0xC0000022).words == "access denied: the account may not use the share"
    assert status.of_file(0xC0000022).words == "access denied: the account may not read it"


@given(st.integers(0, 0xFFFF_FFFF), st.sampled_from([status.of_sign_in, status.of_share, status.of_file]))
def test_every_status_has_words(code: int, meaning: object) -> None:
    assert callable(meaning)
    fault = meaning(code)
    assert isinstance(fault, AttachmentFault)
    assert fault.words
    if fault.kind is Fault.BROKEN:
        assert fault.words == f"the server answered with status 0x{code:08X}"
