"""Secrets whose last day is known: which expire soon, and which have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from console.doctor.facts import Facts
from console.doctor.finding import Finding
from settings_store.catalog import ALL_OPTIONS
from settings_store.kinds import Secret
from settings_store.secret_expiry import expiring, secret_expiries

_SECOND_MS = 1000


def secret_findings(facts: Facts) -> Iterator[Finding]:
    """Each secret that it is time to renew."""
    if facts.snapshot is None:
        return
    today = datetime.fromtimestamp(facts.now_ms / _SECOND_MS, tz=UTC).date()
    due = expiring(facts.snapshot, today)
    for secret in due:
        yield Finding(
            "secrets.expiry",
            "error" if secret.expired else "warn",
            secret.words,
            "once it is over the sign-in with it is refused",
            _renewal(secret.option),
        )
    known = len(secret_expiries(facts.snapshot, today))
    if known and not due:
        yield Finding("secrets.expiry", "ok", f"none of {known} secrets with a known last day expires soon")


def _renewal(option: str) -> str:
    """What to type; a password that is taken sealed alone is sealed first."""
    kind = ALL_OPTIONS[option].kind
    sealed = isinstance(kind, Secret) and kind.encrypted_only
    first, value = ("make a new one, `notify encrypt`", "enc:...") if sealed else ("make a new one", "-")
    day = f"secret_expiry.{option.replace('.', '_')}=YYYY-MM-DD"
    return f"{first}, then `notify options set {option}={value} {day} --reason TEXT`"
