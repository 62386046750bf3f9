"""The accounts, roles and tokens of the installation that a command speaks to."""

from __future__ import annotations

from console.cli.context import client, environment
from settings_store.access import Access


def opened_access() -> Access:
    """Reach them; raises as `context` does."""
    found = environment()
    return Access(client(found), prefix=found.prefix)
