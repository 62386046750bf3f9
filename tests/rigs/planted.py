"""Secrets that a test plants, and the look for them wherever they could have gone.

Ask for the fixture `planted`, give `planted.secret("what it is")` to the code under test, and hand
`planted.look` whatever came of it. When the test ends, its log records, its output and the Redis servers that
were named are looked through without being asked.
"""

from __future__ import annotations

import base64
import json
import pickle
import secrets
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

#: What a secret could break: formatting, quoting, URLs, mail, and a search for ASCII alone.
_AWKWARD = "%r-{0}-&'\"é"


class Planted:
    """The secrets of one test."""

    def __init__(self) -> None:
        self._secrets: list[str] = []
        self._servers: list[redis.Redis] = []

    def secret(self, what: str, *, letters_only: bool = False) -> str:
        """A new secret; `letters_only` where the protocol takes nothing else."""
        # Another one in each test: the files of a server that tests share keep those of the tests before.
        mark = secrets.token_hex(6)
        secret = f"Pl4nted{mark}{what}Geheimnis" + ("" if letters_only else _AWKWARD)
        self._secrets.append(secret)
        return secret

    def plant(self, secret: str) -> str:
        """One that was made elsewhere: a token, a generated password."""
        assert len(secret) >= 8, "too short to be told from other text"
        self._secrets.append(secret)
        return secret

    def in_redis(self, client: redis.Redis) -> None:
        """Look through this server when the test ends, its files too."""
        self._servers.append(client)

    def look(self, *things: object) -> None:
        """Fail where one of the secrets can be read out of a thing, its representation or its links."""
        for thing in things:
            for where, text in _texts(thing):
                for secret in self._secrets:
                    for how, form in _forms(secret):
                        place = text.find(form)
                        assert place < 0, (
                            f"{where} holds a planted secret {how}: …{text[max(0, place - 200) : place]}"
                        )

    def look_everywhere(self) -> None:
        """Look through the servers that were named: keys, values and files."""
        for client in self._servers:
            self.look(*everything_in(client))
            self.look(*files_of(client))


def everything_in(client: redis.Redis) -> Iterator[str]:
    """Every key of a server with its value."""
    for key in client.scan_iter():
        yield f"{key} {_value(client, str(key))}"


def files_of(client: redis.Redis) -> list[bytes]:
    """What a server has on disk, what it is about to write included."""
    before = str(client.config_get("appendfsync")["appendfsync"])
    client.config_set("appendfsync", "always")  # what was written before goes to disk with the next write
    client.set("planted:written", "1")
    client.delete("planted:written")
    client.config_set("appendfsync", before)
    folder = Path(str(client.config_get("dir")["dir"]))
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert any(b"planted:written" in content for content in files), "the append-only file must be looked at"
    return files


def _value(client: redis.Redis, key: str) -> Any:
    read: dict[str, Callable[[str], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda name: client.lrange(name, 0, -1),
        "set": client.smembers,
        "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        "stream": client.xrange,
        "none": lambda _: "gone",
    }
    return read[str(client.type(key))](key)


def _texts(thing: object) -> Iterator[tuple[str, str]]:
    """A thing as text, in every way in which somebody may write it down."""
    match thing:
        case str():
            yield "the text", thing
        case bytes():
            yield "the bytes", thing.decode("utf-8", "replace")
        case BaseException():
            yield "the traceback", "".join(traceback.format_exception(thing))
            seen: list[BaseException] = []
            link: BaseException | None = thing
            while link is not None and link not in seen:
                seen.append(link)
                yield f"the {type(link).__name__}", f"{link!r} {link} {vars(link)}"
                link = link.__cause__ or link.__context__
            yield "the pickled exception", f"{pickle.loads(pickle.dumps(thing))!r}"
        case _:
            yield f"the {type(thing).__name__}", f"{thing!r} {thing}"


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    """The secret as it is, and as what carries text writes it."""
    raw = secret.encode()
    yield "as it is", secret
    yield "in JSON", json.dumps(secret)[1:-1]
    yield "in Python", repr(secret)[1:-1]
    yield "in a URL", urllib.parse.quote(secret, safe="")
    yield "in hexadecimal", raw.hex()
    for padding in range(3):
        encoded = base64.b64encode(b"\0" * padding + raw).decode()
        # Without the characters in which a bit of what is beside it may be.
        yield "in base64", encoded[4 * bool(padding) :].rstrip("=")[:-2]
        yield (
            "in base64",
            base64.urlsafe_b64encode(b"\0" * padding + raw).decode()[4 * bool(padding) :].rstrip("=")[:-2],
        )
    wide = base64.b64encode(secret.encode("utf-16-le")).decode().rstrip("=")[:-2]
    yield "in base64 of UTF-16", wide
