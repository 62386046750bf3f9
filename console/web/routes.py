"""How a page is declared: its path, its method, and what it demands of who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

from console.serving.need import Need

#: Takes the visit and the parts of the path by name. It runs in a thread, so it may wait for Redis.
Handler = Callable[..., Response]
Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page, or what a form is sent to.

    Attributes:
        method: `GET` reads, `POST` changes; its form's token is checked before the handler sees it.
        path: As Starlette writes it: `/messages/{message_id}`.
        need: What it demands.
        action: What the audit calls it where it is refused.
        handler: Answers.
    """

    method: Method
    path: str
    need: Need
    action: str
    handler: Handler


class PageRoutes:
    """The routes of one module of pages."""

    def __init__(self) -> None:
        self.routes: list[PageRoute] = []

    def get(self, path: str, *, need: Need, action: str = "page.open") -> Callable[[Handler], Handler]:
        """Declare a page."""
        return self._declared("GET", path, need, action)

    def post(self, path: str, *, need: Need, action: str) -> Callable[[Handler], Handler]:
        """Declare what a form is sent to; it answers with `Visit.go`, or with the page and its faults."""
        return self._declared("POST", path, need, action)

    def _declared(self, method: Method, path: str, need: Need, action: str) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.routes.append(PageRoute(method, path, need, action, handler))
            return handler

        return declare
