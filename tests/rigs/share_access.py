"""What the options say about network shares, as tests want it said."""

from __future__ import annotations

import hashlib

from tasks.attachments.source import OpenFile
from tasks.attachments.unc.access import Access
from tasks.attachments.unc.account import Account
from tasks.attachments.unc.allow_list import AllowList
from tests.rigs.samba import PASSWORD, USER

#: Longer than any machine is busy: what tests wait for comes at once or not at all.
PATIENCE_SECONDS = 60.0


def access(
    *allowed: str,
    user: str = USER,
    password: str = PASSWORD,
    must_encrypt: bool = False,
    seconds: float = PATIENCE_SECONDS,
) -> Access:
    """Access to some hosts and shares."""
    return Access(
        account(user, password),
        AllowList.of(", ".join(allowed)),
        must_encrypt=must_encrypt,
        seconds=seconds,
    )


def account(user: str = USER, password: str = PASSWORD) -> Account:
    """An account; one password has one seal."""
    return Account(user, f"sealed {hashlib.sha256(password.encode()).hexdigest()}", lambda: password)


def content_of(file: OpenFile) -> bytes:
    """All of a file; it is closed."""
    try:
        return b"".join(file.blocks())
    finally:
        file.close()
