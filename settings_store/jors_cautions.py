"""What is wrong in the options of the scheduler's REST API only when they are seen together."""

from __future__ import annotations

from collections.abc import Iterator

from settings_store.catalog import GROUPS
from settings_store.snapshot import Snapshot


def jors_cautions(snapshot: Snapshot) -> Iterator[str]:
    """Sentences, each beginning with the group's title; none where job output is not set up."""
    for sentence in _sentences(snapshot):
        yield f"{GROUPS['jors']}: {sentence}"


def _sentences(snapshot: Snapshot) -> Iterator[str]:
    address = snapshot.text("jors.api_address")
    user, password, token = (snapshot.is_set(f"jors.api_{name}") for name in ("user", "password", "token"))
    if not address:
        if user or password or token:
            yield "a sign-in is set without an address, so no output can be fetched"
        return
    if not user and not token:
        yield "an address is set, but neither a user nor a token to sign in with"
    if user and not password and not token:
        yield "a user is set without a password"
    if address.lower().startswith("http://"):
        yield "password and output go over the network unencrypted, as the address begins with http://"
    elif not snapshot.flag("jors.verify_certificate"):
        yield "any certificate is taken, so whoever stands between reads password and output"
