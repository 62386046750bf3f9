"""Who does not finish asking is hung up on, so that connections of nobody keep nobody out.

The server below takes so many connections and no more, and waits without end for the first request of each
and for the rest of one that began: a machine that went away without a word would hold its place for ever.
"""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the connection, or the first byte of a later request, to the last byte of a request.
REQUEST_SECONDS: Final = 60.0
_UNFINISHED: Final = (h11.IDLE, h11.SEND_BODY)


class RequestDeadline(H11Protocol):
    """The server's HTTP/1.1, that ends the waiting for a request; answers may take as long as they do."""

    request_seconds = REQUEST_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
        """Somebody connected."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A part of a request came, or the rest of it."""
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            self._wait_no_longer()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.request_seconds, self._hang_up)

    def _wait_no_longer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        # At once: whoever is not there reads no farewell either.
        self.transport.abort()
