"""From nothing to a connection that is ready for its first message: connect, protect, greet, sign in."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Protocol

import redis

from settings_store.errors import SecretFault
from tasks.oauth.permissions import refused_token_words
from tasks.server import Basic, OAuth, Server, Tls
from tasks.transports.client import Client
from tasks.transports.client_certificate import ClientCertificateUnusable
from tasks.transports.dialling import acknowledge_at_once, dial, resolve
from tasks.transports.failure import TokenFailure, TransportFailure
from tasks.transports.outcome import Kind
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply
from tasks.transports.sign_in import UnusableCredentials, choose_mechanism, dialogue


class TokenSource(Protocol):
    """Gives the token for a server with OAuth."""

    def __call__(self, server: Server, refused: str = "", /) -> str:
        """A token, or another one than the server has just refused; the same where no other would do.

        Raises:
            TokenFailure: There is none.
        """


_READY = 220
_SIGNED_IN = 235
_REFUSED = 535
_CONTINUE_SIGN_IN = 334
_HIGHEST_PORT = 65_535


def open_client(
    client: Client, server: Server, trust: Callable[[], ssl.SSLContext], token_source: TokenSource
) -> None:
    """Make a new client ready for its first message.

    Args:
        client: Not connected yet.
        server: Where to.
        trust: Gives the TLS settings; asked only where TLS is used.
        token_source: Gives the token for a sign-in by OAuth.

    Raises:
        TransportFailure: A step of it failed.
        Exception: What opening a sealed secret, or Redis, raised, unchanged: that is no fault of the server.
    """
    try:
        context = _context(client, server, trust)
        _connect(client, server)
        if server.tls is Tls.IMPLICIT:
            _protect(client, server, context)
        client.check(holds=client.answer(Phase.GREETING).code == _READY)
        client.hello()
        if server.tls is Tls.STARTTLS:
            _start_tls(client, server, context)
        if server.sign_in is not None:
            _sign_in(client, server, server.sign_in, token_source)
    except BaseException:
        client.close()
        raise


def _context(client: Client, server: Server, trust: Callable[[], ssl.SSLContext]) -> ssl.SSLContext | None:
    if server.tls is Tls.NONE:
        return None
    client.phase = Phase.TLS
    try:
        return trust()
    except ClientCertificateUnusable as error:
        raise client.failure(Kind.CLIENT_CERTIFICATE, detail=str(error)) from None
    except OSError:
        raise client.failure(Kind.CA_BUNDLE) from None


def _connect(client: Client, server: Server) -> None:
    client.phase = Phase.RESOLVE
    if not _is_usable(server.host, server.port):
        raise client.failure(Kind.SERVER_ADDRESS)
    with client.step(Phase.RESOLVE):
        addresses = resolve(server.host, server.port, client.timeouts.resolve_seconds)
    with client.step(Phase.CONNECT):
        client.speak_over(dial(addresses, client.timeouts.connect_seconds))


def _is_usable(host: str, port: int) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    printable = host.isprintable() and not any(map(str.isspace, host))
    return bool(host) and printable and not host.startswith(".") and 0 < port <= _HIGHEST_PORT


def _protect(client: Client, server: Server, context: ssl.SSLContext | None) -> None:
    try:
        _shake_hands(client, server, context)
    except TransportFailure as failure:
        strict = context is not None and context.minimum_version is ssl.TLSVersion.TLSv1_3
        if failure.outcome.kind is not Kind.TLS_UNUSABLE or not strict:
            raise
        words = "the server does not speak TLS 1.3 there, which tls.minimum_version asks for"
        raise client.failure(Kind.TLS_UNUSABLE, detail=words) from None


def _shake_hands(client: Client, server: Server, context: ssl.SSLContext | None) -> None:
    with client.step(Phase.TLS):
        if client.sock is None or context is None:
            raise ConnectionResetError
        client.sock.settimeout(client.timeouts.connect_seconds)
        client.speak_over(context.wrap_socket(client.sock, server_hostname=server.host))
        acknowledge_at_once(client.sock)


def _start_tls(client: Client, server: Server, context: ssl.SSLContext | None) -> None:
    client.phase = Phase.TLS
    if not client.has_extn("starttls"):
        raise client.failure(Kind.STARTTLS_MISSING)
    client.command(Phase.TLS, "STARTTLS")
    client.check(holds=client.answer(Phase.TLS).code == _READY)
    _protect(client, server, context)
    # RFC 3207 4.2: what the server said before TLS is forgotten.
    client.hello()


def _sign_in(client: Client, server: Server, sign_in: Basic | OAuth, token_source: TokenSource) -> None:
    client.phase = Phase.AUTH
    mechanism = choose_mechanism(client.esmtp_features.get("auth", "").split(), sign_in)
    if mechanism is None:
        raise client.failure(Kind.AUTH_MISSING)
    if isinstance(sign_in, Basic):
        client.check(holds=_say(client, mechanism, sign_in.user, sign_in.password()).code == _SIGNED_IN)
        return
    token = _token(client, server, token_source)
    reply = _say(client, mechanism, sign_in.mailbox, token)
    if reply.code == _REFUSED:
        # The token may have been revoked since it was issued. Accounts do not lock by refused tokens.
        other = _token(client, server, token_source, token)
        if other != token:
            token, reply = other, _say(client, mechanism, sign_in.mailbox, other)
    if reply.code != _SIGNED_IN:
        raise client.failure(detail=refused_token_words(token) if reply.code == _REFUSED else "")


def _say(client: Client, mechanism: str, user: str, secret: str) -> Reply:
    """One sign-in; its last reply."""
    try:
        said = dialogue(mechanism, user, secret)
    except UnusableCredentials as error:
        raise client.failure(Kind.CREDENTIALS, detail=str(error)) from None
    client.command(Phase.AUTH, said.command)
    reply = client.answer(Phase.AUTH)
    for line in said.answers:
        if reply.code != _CONTINUE_SIGN_IN:
            break
        client.command(Phase.AUTH, line)
        reply = client.answer(Phase.AUTH)
    return reply


def _token(client: Client, server: Server, token_source: TokenSource, refused: str = "") -> str:
    try:
        return token_source(server, refused)
    except (SecretFault, redis.RedisError):
        raise
    except TokenFailure as error:
        kind = Kind.TOKEN_LATER if error.transient else Kind.TOKEN
        raise client.failure(kind, detail=str(error), retry_after_seconds=error.retry_after_seconds) from None
    except Exception:  # noqa: BLE001  # libraries for tokens raise whatever they like
        # No cause: what a token library says may quote the answer of the token server.
        raise client.failure(Kind.TOKEN) from None
