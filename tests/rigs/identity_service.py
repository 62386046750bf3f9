"""An identity service on loopback, with discovery and tokens by HTTPS, strict about what it is asked.

It answers refusals as Microsoft Entra does, and is spoken to by the real msal.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tasks.oauth.endpoint import IdentityEndpoint
from tasks.server import OAuth

TENANT = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
APPLICATION = "0f8fad5b-d9cb-469f-a165-70867728950e"
SECRET = "open sesame-9"
SCOPE = "https://outlook.office365.com/.default"


@dataclass(frozen=True)
class Answers:
    """One answer, in place of the one that is due."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hangs:
    """Answers nothing until the service ends."""


@dataclass(frozen=True)
class Drips:
    """Answers with a byte now and then, for ever; from the very headers on, or only in the body."""

    headers: bool = False


def refuses(code: int, error: str, status: int = 400) -> Answers:
    """A refusal in Entra's form, with a text that quotes what it must not."""
    told = f"AADSTS{code}: app '{APPLICATION}' said '{SECRET}'. Trace ID: 1 Timestamp: 2026-11-26 14:47:00Z"
    body = {"error": error, "error_description": told, "error_codes": [code], "trace_id": "1"}
    return Answers(status, json.dumps(body).encode())


@dataclass(eq=False)
class IdentityService:
    """A running service.

    Attributes:
        issue: Makes the next token.
        secret: What the application must send.
        lifetime_seconds: What tokens are said to live.
        next: Answers to the next requests for a token, used up in order.
        discovery: The answer to every discovery; None for the good one.
        asked: Paths of all requests, in order.
        tokens: Every token that was issued.
        before_token: Called before each token is issued.
    """

    tls: ssl.SSLContext
    issue: Callable[[], str] = lambda: "token"
    secret: str = SECRET
    lifetime_seconds: int = 3599
    next: list[Answers | Hangs | Drips] = field(default_factory=list)
    discovery: Answers | Hangs | None = None
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    before_token: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536

            def do_GET(self) -> None:
                service.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                service.answer(self, dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A client that hangs up is no fault of the service."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = self.tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def host(self) -> str:
        """As the option oauth.authority_host has it."""
        return f"localhost:{self._server.server_address[1]}"

    @property
    def token_requests(self) -> int:
        """How many times a token was asked for."""
        return sum(path.endswith("/token") for path in self.asked)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sign_in(self, mailbox: str, ca_bundle: str, **changes: object) -> OAuth:
        """A sign-in by a token of this service."""
        secret = str(changes.pop("secret", SECRET))
        values: dict[str, object] = {
            "mailbox": mailbox,
            "application_id": APPLICATION,
            "tenant_id": TENANT,
            "client_secret": lambda: secret,
            "seal": f"seal of {secret}",
            "endpoint": IdentityEndpoint(self.host, SCOPE, ca_bundle),
            **changes,
        }
        return OAuth(**values)  # type: ignore[arg-type]

    def answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        """Answer one request."""
        self.asked.append(handler.path)
        answer = self._judge(handler.path, form)
        if isinstance(answer, Hangs):
            self.stopping.wait()
            handler.close_connection = True
            return
        if isinstance(answer, Drips):
            self._drip(handler, in_headers=answer.headers)
            return
        handler.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
        for name, value in {**headers, **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body)
        handler.wfile.flush()

    def _drip(self, handler: BaseHTTPRequestHandler, *, in_headers: bool) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        if in_headers:
            handler.flush_headers()
            handler.wfile.write(b"X-Slow: ")
        else:
            handler.end_headers()
        handler.close_connection = True
        with contextlib.suppress(OSError):
            while not self.stopping.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()

    def _judge(self, path: str, form: dict[str, str]) -> Answers | Hangs | Drips:
        _, tenant, *rest = path.split("/")
        if rest == ["v2.0", ".well-known", "openid-configuration"]:
            return self.discovery or self._discover(tenant)
        if rest != ["oauth2", "v2.0", "token"]:
            return Answers(404)
        if self.next:
            return self.next.pop(0)
        return self._token(form)

    def _discover(self, tenant: str) -> Answers:
        if tenant != TENANT:
            return refuses(90002, "invalid_tenant")
        base = f"https://{self.host}/{tenant}"
        found = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
        return Answers(200, json.dumps(found).encode())

    def _token(self, form: dict[str, str]) -> Answers:
        if form.get("grant_type") != "client_credentials":
            return refuses(70003, "unsupported_grant_type")
        if form.get("scope") != SCOPE:
            return refuses(1002012, "invalid_scope")
        if form.get("client_id") != APPLICATION:
            return refuses(700016, "unauthorized_client")
        if form.get("client_secret") != self.secret:
            return refuses(7000215, "invalid_client", 401)
        self.before_token()
        token = self.issue()
        self.tokens.append(token)
        answer = {"token_type": "Bearer", "expires_in": self.lifetime_seconds, "access_token": token}
        return Answers(200, json.dumps(answer).encode())


@contextlib.contextmanager
def identity_service(tls: ssl.SSLContext) -> Iterator[IdentityService]:
    """A service that is stopped in the end."""
    service = IdentityService(tls)
    service.start()
    try:
        yield service
    finally:
        service.stop()
