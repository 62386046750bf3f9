"""How long it is known who did what."""

from __future__ import annotations

from settings_store.kinds import Integer
from settings_store.option import Option

TITLE = "Audit"

OPTIONS: tuple[Option, ...] = (
    Option(
        "audit.days",
        "Audit (days)",
        Integer(1, 3650, "days"),
        365,
        "How long the audit keeps who did what, when and from where. Workers take older rows away. "
        "A row takes about 300 bytes of Redis; `notify audit export` writes them into a file before that.",
    ),
)
