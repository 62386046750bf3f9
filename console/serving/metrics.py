"""What the console counts of itself, for Prometheus: requests by route, and how long they took.

The labels are templates of paths, never paths: those can hold an address. What other rooms count in this
process is in the library's own registry, and is told with it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import prometheus_client as prometheus
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE: Final = prometheus.CONTENT_TYPE_LATEST
_BUCKETS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OTHER: Final = "other"


class Metrics:
    """The metrics of one application; the registry takes more collectors."""

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._seconds = prometheus.Histogram(
            "notify_console_request_seconds",
            "Requests to the console, by route, method and status.",
            ("route", "method", "status"),
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self._running = prometheus.Gauge(
            "notify_console_requests_running", "Requests that run now.", registry=self.registry
        )

    def begin(self) -> None:
        """A request begins."""
        self._running.inc()

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """It ended."""
        self._running.dec()
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self._seconds.labels(route_of(scope), method, str(status)).observe(seconds)

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return prometheus.generate_latest(self.registry) + prometheus.generate_latest(prometheus.REGISTRY)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the path that a request met; `other` where it met none."""
    route = getattr(scope.get("endpoint"), "route", None) or scope.get("route")
    # What is mounted has a path of its own, and met nothing in it where it is still the last.
    path = None if isinstance(route, Mount) else getattr(route, "path", None)
    return f"{scope.get('root_path', '')}{path}" if isinstance(path, str) else _OTHER


class Measured:
    """Counts requests and their time."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.begin()
        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.end(scope, status, time.perf_counter() - began)
