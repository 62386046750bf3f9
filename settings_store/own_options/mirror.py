"""Whether a secondary server is its primary in everything."""

from __future__ import annotations

from settings_store.kinds import Boolean
from settings_store.option import Option

TITLE = "Same as primary"

OPTIONS: tuple[Option, ...] = (
    Option(
        "mirror.email",
        "Same as primary SMTP settings (Email)",
        Boolean(),
        default=False,
        help="While on, Secondary Email is Primary Email in every option, secrets and blanks included. "
        "What was set for Secondary Email itself comes back when it is turned off.",
    ),
    Option(
        "mirror.sms",
        "Same as primary SMTP settings (SMS)",
        Boolean(),
        default=False,
        help="While on, Secondary SMS is Primary SMS in every option, secrets and blanks included. "
        "What was set for Secondary SMS itself comes back when it is turned off.",
    ),
)
