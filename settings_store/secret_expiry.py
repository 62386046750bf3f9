"""How long each secret still holds: for whoever warns before it expires, a page, a metric or a notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from settings_store.catalog import ALL_OPTIONS
from settings_store.own_options.secret_expiry import SECRETS
from settings_store.snapshot import Snapshot

#: So many days before it is warned, the last first.
WARNED_DAYS: Final = (1, 7, 14, 30)


@dataclass(frozen=True, slots=True)
class SecretExpiry:
    """One secret that is set and whose last day is known.

    Attributes:
        option: The secret.
        last_day: The last day on which it holds, in UTC.
        days_left: How many days follow today on which it holds; 0 on the last one, negative after it.
    """

    option: str
    last_day: date
    days_left: int

    @property
    def label(self) -> str:
        """The secret's name on the page."""
        return ALL_OPTIONS[self.option].label

    @property
    def expired(self) -> bool:
        """Whether the last day is over."""
        return self.days_left < 0

    @property
    def stage(self) -> int | None:
        """Which warning it is time for: 30, 14, 7 or 1 days before, -1 once expired; None before all of them.

        A notice goes out once for each option, last day and stage.
        """
        if self.expired:
            return -1
        return next((days for days in WARNED_DAYS if self.days_left <= days), None)

    @property
    def words(self) -> str:
        """The state in words, beginning with the option: `primary_email.client_secret: expires in 6 days`."""
        day = self.last_day.isoformat()
        if self.expired:
            return f"{self.option}: expired after {day}"
        if self.days_left == 0:
            return f"{self.option}: expires today ({day})"
        plural = "" if self.days_left == 1 else "s"
        return f"{self.option}: expires in {self.days_left} day{plural} ({day})"


def secret_expiries(snapshot: Snapshot, today: date) -> list[SecretExpiry]:
    """Every secret that is set and whose last day is known, the next to expire first.

    A secondary that is its primary has none of its own.

    Args:
        snapshot: The options.
        today: The day now, in UTC.
    """
    found = []
    for place, secret in SECRETS.items():
        day = snapshot.text(f"secret_expiry.{place}")
        if day and snapshot.is_set(secret) and snapshot.source(secret) == secret:
            last_day = date.fromisoformat(day)
            found.append(SecretExpiry(secret, last_day, (last_day - today).days))
    return sorted(found, key=lambda each: (each.days_left, each.option))


def expiring(snapshot: Snapshot, today: date) -> list[SecretExpiry]:
    """Those that it is time to warn of."""
    return [each for each in secret_expiries(snapshot, today) if each.stage is not None]


def left_behind(touched: Iterable[str]) -> list[tuple[str, str]]:
    """Secrets that were set while their last day was not, each with the option of that day."""
    options = set(touched)
    return [
        (secret, f"secret_expiry.{place}")
        for place, secret in SECRETS.items()
        if secret in options and f"secret_expiry.{place}" not in options
    ]
