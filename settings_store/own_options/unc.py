"""Which network shares attachments may come from, and how they are read."""

from __future__ import annotations

from settings_store.host_list import HostList
from settings_store.kinds import Boolean, Integer
from settings_store.option import Option

TITLE = "Network shares"

OPTIONS: tuple[Option, ...] = (
    Option(
        "unc.allowed_hosts",
        "Allowed hosts",
        HostList(),
        "",
        "Where the account of UNC Access may be sent: hosts as paths name them, `*.domain` for all hosts "
        "below a domain, `\\\\host\\share` for one share alone. Shares that end in $ need that last form. "
        "Targets of DFS links count too. Blank allows none, and no file is read from a share. "
        "Several are parted by commas.",
    ),
    Option(
        "unc.require_encryption",
        "Require encryption",
        Boolean(),
        default=False,
        help="Read only from servers that encrypt (SMB 3). Signing is always required, and a share that "
        "demands encryption gets it either way.",
    ),
    Option(
        "unc.timeout_seconds",
        "Time for one file",
        Integer(5, 120, "seconds"),
        60,
        "How long a server may take to open a file, connecting and signing in included, and as long again "
        "to read it. The mail server's own time does not count. All files of a mail together are opened "
        "within 60 s. When the time is over, the mail goes without the file.",
    ),
)
