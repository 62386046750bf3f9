"""One message through a pool, as a delivery sends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.server import Basic, OAuth, Server, Tls
from tasks.transports.envelope import Envelope
from tasks.transports.opening import TokenSource
from tasks.transports.pool import ConnectionPool
from tasks.transports.reply import Reply
from tasks.transports.timeouts import Timeouts

SENDER = "notify@corp.test"
RECIPIENT = "ops@corp.test"
TEXT = b"Subject: Job failed\r\n\r\nThe nightly job failed.\r\n"

#: Long enough for a busy machine, short enough for a test that waits for it.
SHORT = Timeouts(
    resolve_seconds=2,
    connect_seconds=2,
    reply_seconds=0.8,
    data_start_seconds=0.8,
    block_seconds=0.8,
    final_seconds=0.8,
    quit_seconds=0.4,
)
PATIENT = Timeouts(reply_seconds=20, data_start_seconds=20, block_seconds=20, final_seconds=20)


def server_at(
    port: int, *, host: str = "127.0.0.1", tls: Tls = Tls.NONE, sign_in: Basic | OAuth | None = None
) -> Server:
    """A server as routing would name it."""
    return Server(name="primary_email", host=host, port=port, tls=tls, sender=SENDER, sign_in=sign_in)


def basic(user: str = "notify", password: str = "open sesame") -> Basic:
    """A sign-in by password."""
    return Basic(user=user, password=lambda: password, seal=f"sealed {user!a} {password!a}")


def oauth(mailbox: str = SENDER) -> OAuth:
    """A sign-in by token."""
    return OAuth(
        mailbox=mailbox, application_id="app", tenant_id="tenant", client_secret=lambda: "s", seal="sealed"
    )


def always(token: str) -> TokenSource:
    """A source that has one token, and no other."""

    def source(_server: Server, _refused: str = "", /) -> str:
        return token

    return source


def deliver(
    pool: ConnectionPool,
    server: Server,
    recipients: Sequence[str] = (RECIPIENT,),
    chunks: Iterable[bytes] = (TEXT,),
    *,
    size_bytes: int = len(TEXT),
    fresh: bool = False,
) -> tuple[Envelope, Reply]:
    """Send one message; fails where nobody was accepted."""
    with pool.connection(server, fresh=fresh) as connection:
        envelope = connection.envelope(server.sender, recipients, size_bytes)
        assert envelope.accepted, "nobody was accepted"
        return envelope, connection.message(chunks)
