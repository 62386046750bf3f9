"""The installation that a command speaks to: its environment, and a Redis client that fails soon."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import redis

from console.cli.errors import BadInput
from settings_store.environment import Environment, load
from settings_store.redis_client import connect
from settings_store.sentinel import is_sentinel, parse

#: A person waits: shorter than a worker's, and without a repeat, which a person decides on.
CONNECT_TIMEOUT_SECONDS = 2.0
REPLY_TIMEOUT_SECONDS = 4.0
RETRIES = 0

_DEFAULT_PORT = 6379
_URL_HINT = (
    "check NOTIFY_REDIS_URL: redis://:PASSWORD@HOST:PORT/0, "
    "with %40 for @, %2F for / and %23 for # in the password"
)


def environment() -> Environment:
    """The environment of this process.

    Raises:
        settings_store.environment.InvalidEnvironment: A variable cannot be used.
        BadInput: The URL of Redis cannot be read.
    """
    found = load()
    address(found.redis_url)
    return found


def client(of: Environment) -> redis.Redis:
    """A client that answers or fails within seconds; it connects with its first call.

    Raises:
        BadInput: The URL of Redis cannot be read.
    """
    try:
        made = connect(of.redis_url, retries=RETRIES)
    except ValueError:
        raise BadInput("NOTIFY_REDIS_URL cannot be read", _URL_HINT) from None
    made.connection_pool.connection_kwargs.update(
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS, socket_timeout=REPLY_TIMEOUT_SECONDS
    )
    return made


def address(url: str) -> str:
    """Where a Redis is, without user and password.

    Raises:
        BadInput: The URL cannot be read; a part of the password could otherwise pass for the address.
    """
    if is_sentinel(url):
        named = parse(url)
        hosts = ", ".join(f"{host}:{port}" for host, port in named.hosts)
        return f"{named.service} (by the Sentinels {hosts})"
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
    except ValueError:
        raise BadInput("NOTIFY_REDIS_URL cannot be read", _URL_HINT) from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}" or parts.fragment:
        raise BadInput("NOTIFY_REDIS_URL cannot be read", _URL_HINT)
    if parts.scheme == "unix":
        return unquote(parts.path)
    host = parts.hostname or "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
