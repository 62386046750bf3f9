"""What the options of one server's group mean together."""

from __future__ import annotations

from settings_store.snapshot import Snapshot

#: The groups that describe a server; the servers bear these names everywhere.
SERVERS = ("primary_email", "secondary_email", "primary_sms", "secondary_sms")
#: Where Enable SSL means TLS from the first byte; on every other port it means STARTTLS.
IMPLICIT_TLS_PORT = 465

_OAUTH = {"application_id": "Application ID", "client_secret": "Client Secret", "tenant_id": "Tenant ID"}


def oauth_missing(snapshot: Snapshot, group: str) -> tuple[str, ...]:
    """The page's names of what OAuth lacks in a server's group; empty where it is complete.

    All three of them mean that OAuth is not wanted.
    """
    return tuple(label for name, label in _OAUTH.items() if not snapshot.is_set(f"{group}.{name}"))


def oauth_complete(snapshot: Snapshot, group: str) -> bool:
    """Whether a server's group signs in by OAuth."""
    return not oauth_missing(snapshot, group)


def oauth_incomplete(snapshot: Snapshot, group: str) -> bool:
    """Whether a server's group has some of what OAuth needs, but not all of it."""
    return 0 < len(oauth_missing(snapshot, group)) < len(_OAUTH)
