"""What a limit is counted for: one mailbox on one host, whatever port or block of options leads there."""

from __future__ import annotations

import hashlib

from tasks.server import Basic, OAuth, Server


def account_of(server: Server) -> str:
    """The account's key: a hash, because keys of Redis hold no address.

    Where nobody signs in, the host alone counts.
    """
    who: tuple[str, ...]
    match server.sign_in:
        case None:
            who = ()
        case Basic(user=user):
            who = (user.strip().lower(),)
        case OAuth(mailbox=mailbox):
            who = (mailbox.strip().lower(),)
    # A host's name with the dot of the root is the same host.
    parts = (server.host.lower().removesuffix("."), *who)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
