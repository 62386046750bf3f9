"""One address for a Redis whose primary is named by Sentinels, for every client of ours.

    sentinel://[[USER]:PASSWORD@]HOST[:PORT],HOST[:PORT],…/DATABASE?service=NAME

`sentinels://` is the same over TLS, to the Sentinels and to Redis. User and password are those of Redis; what
Sentinels ask for is `sentinel_password` (and `sentinel_username`) among the words after the question mark.
The forms that kombu and Celery want are made from it, so that nobody has to write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

PLAIN: Final = "sentinel"
OVER_TLS: Final = "sentinels"
FORM: Final = "sentinel://:PASSWORD@HOST:26379,HOST:26379,HOST:26379/0?service=NAME"
DEFAULT_PORT: Final = 26_379
#: A Sentinel that is away holds a failover up this long; the next one is asked then.
CONNECT_TIMEOUT_SECONDS: Final = 1.0
REPLY_TIMEOUT_SECONDS: Final = 2.0

_PORT_MAXIMUM: Final = 65_535
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_OWN_WORDS: Final = frozenset({"service", "sentinel_username", "sentinel_password"})
_TLS_WORDS: Final = frozenset(
    {"ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
)


class UnusableSentinel(ValueError):
    """The address cannot be used; the message says what is wrong and what is allowed, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """What an address says.

    Attributes:
        hosts: The Sentinels, each with its port.
        service: What they call the primary.
        database: Of Redis.
        tls: Words for TLS as redis-py has them; empty without TLS.
    """

    hosts: tuple[tuple[str, int], ...]
    service: str
    database: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sentinel_username: str = field(default="", repr=False)
    sentinel_password: str = field(default="", repr=False)
    tls: tuple[tuple[str, str], ...] = ()

    def sentinel_options(self) -> dict[str, Any]:
        """How a client speaks to the Sentinels themselves: each is asked once, and the next one then."""
        return {
            "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "socket_timeout": REPLY_TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            **_given(username=self.sentinel_username, password=self.sentinel_password),
            **({"ssl": True, **dict(self.tls)} if self.tls else {}),
        }

    def primary(self, **options: Any) -> Redis:
        """A client of whichever Redis is the primary at each connection; options are those of redis-py."""
        sentinels = Sentinel([*self.hosts], sentinel_kwargs=self.sentinel_options())  # type: ignore[no-untyped-call]
        client: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
            self.service,
            redis_class=Redis,
            db=self.database,
            **_given(username=self.username, password=self.password),
            **({"ssl": True, **dict(self.tls)} if self.tls else {}),
            **options,
        )
        return client

    def kombu_url(self) -> str:
        """The same as kombu and Celery want it: an address for each Sentinel."""
        hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in self.hosts]
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.password else ""
        words = f"?{urlencode(self.tls)}" if self.tls else ""
        return ";".join(f"sentinel://{user}{host}:{port}/{self.database}{words}" for host, port in hosts)

    def kombu_options(self) -> dict[str, Any]:
        """What kombu and Celery want besides: their options of transport."""
        return {"master_name": self.service, "sentinel_kwargs": self.sentinel_options()}


def is_sentinel(url: str) -> bool:
    """Whether this address names Sentinels."""
    return url.partition("://")[0].lower() in {PLAIN, OVER_TLS}


def parse(url: str) -> SentinelAddress:
    """What the address says.

    Raises:
        UnusableSentinel: It cannot be used.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnusableSentinel(f"cannot be read; allowed: {FORM}") from None
    # A plus is itself, as it is before the hosts: a password may have one, and no word has a blank.
    words = dict(parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True))
    unknown = sorted(words.keys() - _OWN_WORDS - _TLS_WORDS)
    if unknown:
        raise UnusableSentinel(f"has a word after the question mark that is not known; allowed: {FORM}")
    if not words.get("service"):
        raise UnusableSentinel(f"names no service; allowed: {FORM}")
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    tls = tuple((word, value) for word, value in words.items() if word in _TLS_WORDS)
    return SentinelAddress(
        hosts=tuple(_host(each) for each in hosts.split(",")),
        service=words["service"],
        database=_database(parts.path),
        username=unquote(name),
        password=unquote(password),
        sentinel_username=words.get("sentinel_username", ""),
        sentinel_password=words.get("sentinel_password", ""),
        tls=(tls or (("ssl_cert_reqs", "required"),)) if parts.scheme == OVER_TLS else (),
    )


def _host(given: str) -> tuple[str, int]:
    found = _HOST.fullmatch(given)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port <= _PORT_MAXIMUM:
        raise UnusableSentinel(f"names a Sentinel that is no HOST:PORT; allowed: {FORM}")
    return found["host"].strip("[]"), port


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not (number.isascii() and number.isdigit()):
        raise UnusableSentinel(f"has a database that is no number; allowed: {FORM}")
    return int(number or 0)


def _given(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
