"""Where sealed values lie in Redis, so that a key rotation reaches all of them.

A room that keeps something sealed gives a `SealedPlace` for it. `SealedKeys` is one for plain keys; `Options`
and `History` are those of the options.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import redis

from settings_store.cipher import Cipher, key_id_of
from settings_store.errors import SecretFault
from settings_store.history import read_row

_FOLDER: Final = Path(__file__).parent
_CHUNK_ROWS: Final = 200
_TRIES_MAXIMUM: Final = 20


@dataclass(slots=True)
class Resealed:
    """What became of one place.

    Attributes:
        done: How many values were sealed anew.
        faults: Those that could not be, each a sentence that names option and key; never a value.
    """

    done: int = 0
    faults: list[SecretFault] = field(default_factory=list)


class SealedPlace(Protocol):
    """Somewhere sealed values are kept; it raises `redis.RedisError` where Redis does not answer."""

    @property
    def title(self) -> str:
        """What is kept there, for a person: `options`, `history of the options`."""

    def count(self) -> Counter[str]:
        """How many values each key sealed, by its id."""

    def reseal(self, cipher: Cipher) -> Resealed:
        """Seal with the primary key what another key sealed; harmless to repeat and to break off."""


class Options:
    """The secrets among the options, as they hold now."""

    title = "options"

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._keys = [f"{prefix}:settings", f"{prefix}:settings:history"]
        self._script = client.register_script((_FOLDER / "reseal_settings.lua").read_text(encoding="utf-8"))

    def count(self) -> Counter[str]:
        """By key id."""
        return Counter(key_id_of(value) for _, value in _among(json.loads(self._read() or "{}")))

    def reseal(self, cipher: Cipher) -> Resealed:
        """As `SealedPlace`; a change of options at the same moment is not lost."""
        for _ in range(_TRIES_MAXIMUM):
            found = Resealed()
            text = self._read()
            resealed = _resealed(text, _among(json.loads(text or "{}")), cipher, found)
            if resealed == text or self._script(keys=self._keys, args=[text, resealed]):
                return found
        return Resealed()  # changed all the time; what is left is counted, and the next round finds it

    def _read(self) -> str:
        return str(self._client.hget(self._keys[0], "values") or "")


class History:
    """The secrets in the history of the options, for a rollback."""

    title = "history of the options"

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._keys = [f"{prefix}:settings", f"{prefix}:settings:history"]
        self._script = client.register_script((_FOLDER / "reseal_settings.lua").read_text(encoding="utf-8"))

    def count(self) -> Counter[str]:
        """By key id."""
        return Counter(
            key_id_of(value) for text in self._rows() for _, value in _among(read_row(text).changes)
        )

    def reseal(self, cipher: Cipher) -> Resealed:
        """As `SealedPlace`."""
        found = Resealed()
        pairs: list[str] = []
        for text in [*self._rows()]:
            resealed = _resealed(text, _among(read_row(text).changes), cipher, found)
            if resealed != text:
                pairs += [text, resealed]
        for start in range(0, len(pairs), _CHUNK_ROWS):
            while True:
                values = str(self._client.hget(self._keys[0], "values") or "")
                arguments = [values, values, *pairs[start : start + _CHUNK_ROWS]]
                if self._script(keys=self._keys, args=arguments):
                    break
        return found

    def _rows(self) -> Iterator[str]:
        """Every row, from the oldest, so that rows that are added meanwhile shift none."""
        start = -1
        while True:
            rows: Any = self._client.lrange(self._keys[1], start - _CHUNK_ROWS + 1, start)
            yield from (str(row) for row in reversed(rows))
            if len(rows) < _CHUNK_ROWS:
                return
            start -= _CHUNK_ROWS


class SealedKeys:
    """Plain string keys of Redis, each a sealed value.

    Args:
        client: A client with `decode_responses`.
        title: What they are, for a person.
        pattern: Which keys, as `SCAN MATCH` has it.
        bound_to: What the value in a key is sealed for.
    """

    def __init__(
        self, client: redis.Redis, *, title: str, pattern: str, bound_to: Callable[[str], str]
    ) -> None:
        self.title = title
        self._client = client
        self._pattern = pattern
        self._bound_to = bound_to
        self._script = client.register_script((_FOLDER / "reseal_key.lua").read_text(encoding="utf-8"))

    def count(self) -> Counter[str]:
        """By key id."""
        return Counter(key_id_of(value) for _, value in self._values())

    def reseal(self, cipher: Cipher) -> Resealed:
        """As `SealedPlace`."""
        found = Resealed()
        for key, value in self._values():
            try:
                resealed = cipher.reseal(self._bound_to(key), value)
            except SecretFault as fault:
                found.faults.append(fault)
                continue
            if resealed != value:
                found.done += int(self._script(keys=[key], args=[value, resealed]))
        return found

    def _values(self) -> Iterator[tuple[str, str]]:
        for key in self._client.scan_iter(match=self._pattern, count=1000):
            value = self._client.get(key)
            if isinstance(value, str) and key_id_of(value):
                yield str(key), value


def _among(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each sealed value with its option."""
    for option, value in values.items():
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, str) and key_id_of(each):
                yield option, each


def _resealed(text: str, values: Iterable[tuple[str, str]], cipher: Cipher, found: Resealed) -> str:
    """The text with its sealed values replaced, and else letter by letter what it was.

    JSON writes a sealed value as it is, and it stands for one option alone, as it opens for no other.
    """
    for option, value in dict.fromkeys(values):
        try:
            resealed = cipher.reseal(option, value)
        except SecretFault as fault:
            found.faults.append(fault)
            continue
        if resealed != value:
            text = text.replace(f'"{value}"', f'"{resealed}"')
            found.done += 1
    return text
