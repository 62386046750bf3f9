"""How much a request may send: more is refused before it is read, and while it is read."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses bodies above a size with 413.

    Args:
        app: What is behind it; it renders the refusal.
        maximum_bytes: The most that is taken.
    """

    def __init__(self, app: ASGIApp, maximum_bytes: int) -> None:
        self._app = app
        self._maximum_bytes = maximum_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what it sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        too_large = declared.isdigit() and int(declared) > self._maximum_bytes
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            if too_large:
                raise self._refusal()
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._maximum_bytes:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.CONTENT_TOO_LARGE
            if hasattr(HTTPStatus, "CONTENT_TOO_LARGE")
            else HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request is too large; allowed: {self._maximum_bytes:,} bytes",
        )
