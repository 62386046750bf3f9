"""What the options say about network shares, read once for a pass."""

from __future__ import annotations

from dataclasses import dataclass

from settings_store.snapshot import Snapshot
from tasks.attachments.unc.account import Account, NoAccount, account_of
from tasks.attachments.unc.allow_list import AllowList


@dataclass(frozen=True, slots=True)
class Access:
    """Who reads which shares, and how.

    Attributes:
        account: Who signs in; the reason where nobody can.
        allowed: Where to.
        must_encrypt: Whether a server that does not encrypt is refused.
        seconds: How long a server may take to open a file, and as long again to read it.
    """

    account: Account | NoAccount
    allowed: AllowList
    must_encrypt: bool
    seconds: float

    @classmethod
    def of(cls, options: Snapshot) -> Access:
        """The access of the options; no secret is opened."""
        try:
            account: Account | NoAccount = account_of(options)
        except NoAccount as missing:
            account = missing
        return cls(
            account,
            AllowList.of(options.text("unc.allowed_hosts")),
            must_encrypt=options.flag("unc.require_encryption"),
            seconds=float(options.number("unc.timeout_seconds")),
        )
