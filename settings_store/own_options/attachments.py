"""How attachments are fetched, whatever place they come from."""

from __future__ import annotations

from settings_store.kinds import Integer
from settings_store.option import Option

TITLE = "Attachments"

OPTIONS: tuple[Option, ...] = (
    Option(
        "attachments.patience_seconds",
        "Patience with a locked file",
        Integer(0, 600, "seconds"),
        20,
        "How long a mail waits for a file that cannot be had at the moment: somebody else has it open, or "
        "its server restarts. When the time is over the mail goes without it and says so. 0: at once.",
    ),
)
