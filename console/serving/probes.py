"""`/livez`, `/readyz` and `/metrics`: what surroundings ask, without a token and without anything secret.

`/readyz` fails where Redis is away, nothing can be accepted, or no worker lives. Whoever only wants to know
whether pages and API work leaves workers out: `/readyz?exclude=workers`, as Kubernetes has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import redis
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.serving.backend import Backend
from console.serving.metrics import MEDIA_TYPE, Metrics
from settings_store.errors import SettingsError
from tasks.ledger import LedgerUnavailable

_OK: Final = "ok"
#: Whoever asks more often gets the last answer: nobody can load Redis through an open address.
_ANSWER_KEPT_SECONDS: Final = 1.0


class _Readiness:
    """Each check by its name: `ok`, or what is wrong."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._last: dict[str, str] = {}
        self._asked_at = -_ANSWER_KEPT_SECONDS

    def checks(self) -> dict[str, str]:
        """What holds, as of a second ago at most."""
        now = time.monotonic()
        if now - self._asked_at >= _ANSWER_KEPT_SECONDS:
            self._last = {
                "redis": self._check(self._redis),
                "ledger": self._check(self._ledger),
                "workers": self._check(self._workers),
            }
            self._asked_at = now
        return self._last

    def _check(self, look: Callable[[], str]) -> str:
        try:
            return look()
        except (redis.RedisError, SettingsError):
            return "Redis does not answer"

    def _redis(self) -> str:
        self._backend.redis.ping()
        return _OK

    def _ledger(self) -> str:
        try:
            self._backend.ledger.refuse_when_nearly_full()
        except LedgerUnavailable:
            return "Redis is nearly full, nothing is accepted"
        return _OK

    def _workers(self) -> str:
        return _OK if self._backend.fleet.alive() else "none is alive, nothing is sent"


def probe_routes(backend: Backend, metrics: Metrics) -> list[Route]:
    """The three addresses."""
    readiness = _Readiness(backend)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        left_out = set(request.query_params.getlist("exclude"))
        found = await run_in_threadpool(readiness.checks)
        checks = {name: told for name, told in found.items() if name not in left_out}
        ready = all(told == _OK for told in checks.values())
        return JSONResponse(
            {"ready": ready, "checks": checks},
            status_code=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    async def exposed(_: Request) -> Response:
        return Response(await run_in_threadpool(metrics.exposition), media_type=MEDIA_TYPE)

    return [
        Route("/livez", livez, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", exposed, methods=["GET"]),
    ]
