"""What a process of ours reads from its surroundings: where Redis, the keys and Flower are, nothing else.

No server setting is ever taken from the environment: two processes with different variables would then
disagree about where mail goes. Those settings are options in Redis (see `catalog`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from settings_store.redis_tls import UnusableTls, check_authorities, is_tls, verified
from settings_store.sentinel import UnusableSentinel, is_sentinel, parse

#: The file in the data folder in which `make up` leaves the addresses of the servers it started.
EMBEDDED_FILE = "environment"

#: Variables whose value can be in a file that another one names: a URL may hold a password, and variables are
#: shown by whatever shows a container.
_IN_FILES = {"NOTIFY_REDIS_URL": "NOTIFY_REDIS_URL_FILE", "NOTIFY_BROKER_URL": "NOTIFY_BROKER_URL_FILE"}

_REDIS_SCHEMES = ("redis://", "rediss://", "sentinel://", "sentinels://")
_BROKER_SCHEMES = (*_REDIS_SCHEMES, "amqp://", "amqps://")
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")


class InvalidEnvironment(ValueError):
    """A variable of the environment cannot be used; the message names it and says what is allowed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Addresses and key files of this process.

    Attributes:
        redis_url: The Redis that holds options and ledger.
        broker_url: The broker that carries the tasks; the same Redis unless set.
        key_files: Key ring files, the primary first; empty where no secret can be opened.
        prefix: First part of every key in Redis, so that two installations can share one server.
        flower_url: Where Flower is, for a link; the option `console.flower_url` comes before it.
        log_file: Where the log goes besides standard error; None for nowhere.
        redis_url_file: The file that `redis_url` was read from; None where it was in the environment.
    """

    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    key_files: tuple[Path, ...] = ()
    prefix: str = "notify"
    flower_url: str = ""
    log_file: Path | None = None
    redis_url_file: Path | None = None

    @property
    def one_redis(self) -> bool:
        """Whether the broker is the very Redis that holds the ledger."""
        return self.broker_url == self.redis_url and self.redis_url.startswith(("redis://", "rediss://"))


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The one folder in which the embedded servers keep their data: `NOTIFY_HOME`, else `data/` here."""
    home = environ.get("NOTIFY_HOME", "")
    return Path(home) if home else Path(__file__).resolve().parent.parent / "data"


def load(environ: Mapping[str, str] = os.environ) -> Environment:
    """Read the environment; what is missing comes from a running `make up`.

    Raises:
        InvalidEnvironment: A variable is malformed, or no Redis is named and none is embedded.
    """
    given = {name: value for name, value in environ.items() if name.startswith("NOTIFY_") and value}
    given = {**given, **_read_files(given)}
    if "NOTIFY_REDIS_URL" not in given:
        given = {**read_embedded(data_folder(environ)), **given}
    redis_url = given.get("NOTIFY_REDIS_URL", "")
    if not redis_url:
        raise InvalidEnvironment(
            "NOTIFY_REDIS_URL is not set and no embedded server runs here: "
            "start one with `make up`, or set it, for example redis://127.0.0.1:6379/0"
        )
    if not redis_url.startswith(_REDIS_SCHEMES):
        raise InvalidEnvironment(
            "NOTIFY_REDIS_URL must start with redis:// or rediss://, or for Sentinels with sentinel:// or "
            "sentinels://; a Unix socket is not taken"
        )
    prefix = given.get("NOTIFY_PREFIX", "notify")
    if not _PREFIX.fullmatch(prefix):
        raise InvalidEnvironment("NOTIFY_PREFIX must be 1 to 40 letters, digits, hyphens or underscores")
    authorities = given.get("NOTIFY_REDIS_CA_FILE", "")
    broker_url = given.get("NOTIFY_BROKER_URL", redis_url)
    if not broker_url.startswith(_BROKER_SCHEMES):
        raise InvalidEnvironment(
            "NOTIFY_BROKER_URL must start with redis:// or rediss://, for Sentinels with sentinel:// or "
            "sentinels://, or for RabbitMQ with amqp:// or amqps://"
        )
    for name, url in (("NOTIFY_REDIS_URL", redis_url), ("NOTIFY_BROKER_URL", broker_url)):
        _check_sentinels(name, url)
    _check_authorities(authorities, redis_url, broker_url)
    return Environment(
        redis_url=_over_tls("NOTIFY_REDIS_URL", redis_url, authorities),
        broker_url=_over_tls("NOTIFY_BROKER_URL", broker_url, authorities),
        key_files=tuple(Path(part) for part in given.get("NOTIFY_KEY_FILE", "").split(os.pathsep) if part),
        prefix=prefix,
        flower_url=given.get("NOTIFY_FLOWER_URL", ""),
        log_file=Path(given["NOTIFY_LOG_FILE"]) if "NOTIFY_LOG_FILE" in given else None,
        redis_url_file=Path(given["NOTIFY_REDIS_URL_FILE"]) if "NOTIFY_REDIS_URL_FILE" in given else None,
    )


def _check_sentinels(name: str, url: str) -> None:
    if is_sentinel(url):
        try:
            parse(url)
        except UnusableSentinel as fault:
            raise InvalidEnvironment(f"{name}: {fault}") from None


def _check_authorities(file: str, *urls: str) -> None:
    if not file:
        return
    if not any(map(is_tls, urls)):
        raise InvalidEnvironment(
            "NOTIFY_REDIS_CA_FILE is set, but nothing would be encrypted: "
            "begin NOTIFY_REDIS_URL with rediss://, or take the file away"
        )
    if "://" in file:
        raise InvalidEnvironment("NOTIFY_REDIS_CA_FILE holds a URL; allowed: a PEM file of authorities")
    try:
        check_authorities(file)
    except UnusableTls as fault:
        raise InvalidEnvironment(f"NOTIFY_REDIS_CA_FILE: {fault}") from None


def _over_tls(name: str, url: str, authorities: str) -> str:
    try:
        return verified(url, authorities)
    except UnusableTls as fault:
        raise InvalidEnvironment(f"{name}: {fault}") from None


def _read_files(given: Mapping[str, str]) -> dict[str, str]:
    """What the files say that are named in place of values."""
    found: dict[str, str] = {}
    for name, file in _IN_FILES.items():
        named = given.get(file)
        if named is None:
            continue
        if name in given:
            raise InvalidEnvironment(f"{name} and {file} are both set; allowed: one of them")
        if "://" in named:
            # Its password would stand in the message, and the message in some log.
            raise InvalidEnvironment(f"{file} holds a URL; allowed: the name of a file with it, or {name}")
        try:
            value = Path(named).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "is no text").lower()
            raise InvalidEnvironment(f"{file}: {named}: {reason}") from None
        if not value:
            raise InvalidEnvironment(f"{file}: {named}: is empty; allowed: a file with the URL")
        found[name] = value
    return found


def read_embedded(folder: Path) -> dict[str, str]:
    """The variables that a running `make up` left in its data folder; empty where none runs."""
    try:
        lines = (folder / EMBEDDED_FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
