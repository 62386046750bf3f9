"""Which key sealed what, and sealing all of it with another key while workers go on.

Nothing here stops or asks a worker: a value is replaced by the same value in one step, and no revision of the
options is made. Breaking off leaves some values under the old key, and a repeat does the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from settings_store.cipher import Cipher
from settings_store.keyring import Keys
from settings_store.sealed_places import History, Options, Resealed, SealedKeys, SealedPlace
from tasks.fleet import Fleet
from tasks.oauth.kept_tokens import sealed_tokens


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key, as far as this process can tell.

    Attributes:
        id: Its id.
        held: Whether the key ring here holds it.
        seals: Whether new values are sealed with it here.
        values: How many values it sealed, by place; places without any are not here.
        lacking: Workers that live, have a key ring, and do not hold it.
    """

    id: str
    held: bool
    seals: bool
    values: dict[str, int]
    lacking: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many values it sealed."""
        return sum(self.values.values())


def sealed_places(client: redis.Redis, prefix: str) -> tuple[SealedPlace, ...]:
    """Every place in which sealed values are kept."""
    return (
        Options(client, prefix),
        History(client, prefix),
        _drafts(client, prefix, "server_test", title="drafts of server tests"),
        _drafts(client, prefix, "attachment_test", title="drafts of attachment tests"),
        sealed_tokens(client, prefix),
    )


def _drafts(client: redis.Redis, prefix: str, family: str, *, title: str) -> SealedPlace:
    begin = f"{prefix}:{family}:"
    return SealedKeys(
        client,
        title=title,
        pattern=f"{begin}*:draft",
        bound_to=lambda key: f"{family}:{key.removeprefix(begin).removesuffix(':draft')}",
    )


class KeyRotation:
    """The rotation of one installation; it raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, *, prefix: str, places: Sequence[SealedPlace] = ()) -> None:
        self._places = tuple(places) or sealed_places(client, prefix)
        self._fleet = Fleet(client, prefix=prefix)
        self._prefix = prefix

    def uses(self, ring: Keys | None) -> list[KeyUse]:
        """Every key that the ring holds or that sealed something, the one that seals first."""
        counts: dict[str, Counter[str]] = {place.title: place.count() for place in self._places}
        held = list(ring.keys) if ring else []
        primary = ring.primary if ring else ""
        ids = dict.fromkeys(
            [*([primary] if primary else []), *held, *(key for c in counts.values() for key in c)]
        )
        return [
            KeyUse(
                key_id,
                key_id in held,
                key_id == primary,
                {title: count[key_id] for title, count in counts.items() if count[key_id]},
                self.lacking(key_id),
            )
            for key_id in ids
        ]

    def lacking(self, key_id: str) -> tuple[str, ...]:
        """Workers that live and have a key ring without this key.

        A worker without any key ring opens nothing before or after; `notify doctor` tells of it.
        """
        return tuple(
            member.name
            for member in self._fleet.alive()
            if member.life is not None and member.life.keys is not None and key_id not in member.life.keys
        )

    def left(self, ring: Keys) -> int:
        """How many values other keys of this ring sealed: what a rotation has still to do."""
        return sum(use.total for use in self.uses(ring) if use.held and not use.seals)

    def reseal(self, ring: Keys) -> dict[str, Resealed]:
        """Seal everything with the ring's primary key, place by place."""
        cipher = Cipher(ring, self._prefix)
        return {place.title: place.reseal(cipher) for place in self._places}
