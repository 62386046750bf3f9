"""An inbox: an SMTP server on loopback that keeps every mail, and can be stopped to rehearse a failover."""

from __future__ import annotations

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from workers.embedded.inbox_store import InboxStore
from workers.embedded.ports import LOOPBACK

#: Above the largest total of attachments that the options allow, 99 MB as sent, with room for the texts.
MAIL_MAXIMUM_BYTES = 128 * 1024 * 1024
#: Longer than a connection of the sender's pool rests.
IDLE_SECONDS = 600.0


class Inbox:
    """One inbox; stopped, its port refuses connections as that of a dead server does."""

    def __init__(self, name: str, port: int, store: InboxStore) -> None:
        self.name = name
        self.port = port
        self.store = store
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def running(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    async def start(self) -> None:
        """Listen; harmless where it does.

        Raises:
            OSError: The port is held by another program.
        """
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: _Connection(self), LOOPBACK, self.port)

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that are open; harmless where it is stopped."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.cut()

    def joined(self, connection: _Connection) -> None:
        """A client connected."""
        self._connections.add(connection)

    def left(self, connection: _Connection) -> None:
        """A connection ended."""
        self._connections.discard(connection)

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail; the reply names it."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            kept = self.store.keep(content, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos)
        except OSError:
            return "452 4.3.1 the inbox cannot write to its folder"
        return f"250 2.0.0 kept as {kept.id}"


class _Connection(SMTP):
    """A client's connection, known to its inbox so that stopping can cut it."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(
            inbox,
            data_size_limit=MAIL_MAXIMUM_BYTES,
            enable_SMTPUTF8=True,
            # A fixed name: looking up our own takes seconds where there is no name server.
            hostname=f"{inbox.name}.inbox.localhost",
            ident="local inbox",
            timeout=IDLE_SECONDS,
            # Any sign-in is right, so that options with a user can be tried out; nothing of it is kept.
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
            loop=asyncio.get_running_loop(),
        )
        self._inbox = inbox

    def connection_made(self, transport: Any) -> None:
        self._inbox.joined(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._inbox.left(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End the connection at once, in the middle of whatever it does."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
