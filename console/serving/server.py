"""One process that serves pages and API over HTTP or HTTPS, until it is asked to end."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from console.serving.request_deadline import RequestDeadline

#: A request that runs may finish; a supervisor waits longer than that.
GRACE_SECONDS: Final = 10
#: More connections than that wait in the kernel.
_BACKLOG: Final = 256
_CONCURRENCY_MAXIMUM: Final = 200
_HEADERS_MAXIMUM_BYTES: Final = 32 * 1024


class CannotServe(Exception):
    """It cannot listen, or certificate and key are not usable; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens.

    Attributes:
        host: An address or name of this machine.
        port: A TCP port; 0 for any that is free.
        certificate: The chain in PEM, for HTTPS.
        key: Its key in PEM.
        proxies: Addresses whose `X-Forwarded-For` and `-Proto` are believed.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.certificate else "http"


class _Announced(uvicorn.Server):
    """Tells once it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()


def serve(app: ASGIApp, place: Place, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests that run are finished.

    Args:
        app: What answers.
        place: Where.
        ready: Called with the address once it answers.

    Raises:
        CannotServe: See there; nothing was served.
    """
    _check_certificate(place)
    config = configured(app, place)
    listening = _listen(place)
    try:
        port = listening.getsockname()[1]
        host = f"[{place.host}]" if ":" in place.host else place.host
        server = _Announced(config, lambda: ready(f"{place.scheme}://{host}:{port}/"))
        # The server raises the signal that ended it once more when it has ended.
        signal.signal(signal.SIGTERM, _end)
        server.run(sockets=[listening])
    finally:
        listening.close()


def configured(app: ASGIApp, place: Place) -> uvicorn.Config:
    """How it is served."""
    return uvicorn.Config(
        app,
        http=RequestDeadline,
        ws="none",
        lifespan="on",
        log_config=None,
        # A path can hold an address, in a filter: what was asked for is counted, and not written down.
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(place.proxies),
        forwarded_allow_ips=list(place.proxies),
        limit_concurrency=_CONCURRENCY_MAXIMUM,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=_HEADERS_MAXIMUM_BYTES,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )


def _end(_signal: int, _frame: object) -> None:
    """A stop that was asked for is no failure."""
    raise SystemExit(0)


def _listen(place: Place) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise CannotServe(f"cannot listen on {place.host} port {place.port}: {reason}") from None
    return made


def _check_certificate(place: Place) -> None:
    if place.certificate is None or place.key is None:
        return
    for path in (place.certificate, place.key):
        try:
            path.read_bytes()
        except OSError as error:
            raise CannotServe(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    try:
        # A password would be asked for at the terminal, where nobody is.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            place.certificate, place.key, password=""
        )
    except (ssl.SSLError, ValueError):
        raise CannotServe(
            f"{place.certificate} and {place.key} are no certificate in PEM with its key, without a password"
        ) from None
