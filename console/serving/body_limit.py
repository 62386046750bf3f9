"""How much a request may send: more is refused before it is read, and while it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DIGITS_MAXIMUM: Final = 18


class BodyLimit:
    """Refuses bodies above a size with 413.

    Args:
        app: What is behind it; it renders the refusal.
        maximum_bytes: The most that is taken.
        below: The most that is taken below some paths instead, by how those begin.
    """

    def __init__(self, app: ASGIApp, maximum_bytes: int, below: Mapping[str, int]) -> None:
        self._app = app
        self._maximum_bytes = maximum_bytes
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what it sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        maximum_bytes = next(
            (most for start, most in self._below.items() if path.startswith(start)), self._maximum_bytes
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        # So many digits that no number is made of them are too many bytes as well.
        too_large = declared.isdigit() and (
            len(declared.lstrip(b"0")) > _DIGITS_MAXIMUM or int(declared) > maximum_bytes
        )
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            if too_large:
                raise _refusal(maximum_bytes)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > maximum_bytes:
                raise _refusal(maximum_bytes)
            return message

        await self._app(scope, counted, send)


def _refusal(maximum_bytes: int) -> HTTPException:
    return HTTPException(413, f"the request is too large; allowed: {maximum_bytes:,} bytes")
