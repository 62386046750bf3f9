"""Reads the key file and tries it on every secret; what it opens is dropped at once."""

from __future__ import annotations

from console.doctor.facts import KeyFacts
from settings_store.catalog import ALL_OPTIONS
from settings_store.cipher import Cipher, key_id_of
from settings_store.environment import Environment
from settings_store.errors import KeyringUnusable, SecretFault
from settings_store.keyring import Keyring, load
from settings_store.snapshot import Snapshot


def key_facts(environment: Environment, snapshot: Snapshot) -> KeyFacts:
    """What this process can open."""
    fault, keyring = "", None
    try:
        keyring = load(environment.key_files)
    except KeyringUnusable as unusable:
        fault = str(unusable)
    sealed = {
        key: str(snapshot.own(key))
        for key, option in ALL_OPTIONS.items()
        if option.secret and snapshot.own(key)
    }
    return KeyFacts(
        named=tuple(map(str, environment.key_files)),
        fault=fault,
        keys=frozenset(keyring.keys) if keyring else frozenset(),
        needed={key: key_id_of(seal) for key, seal in sealed.items()},
        closed=_closed(keyring, environment.prefix, sealed),
    )


def _closed(keyring: Keyring | None, installation: str, sealed: dict[str, str]) -> dict[str, str]:
    if keyring is None:
        return {}  # said once, of the file
    cipher = Cipher(keyring, installation)
    closed = {}
    for key, seal in sealed.items():
        try:
            cipher.open(key, seal)
        except SecretFault as reason:
            closed[key] = str(reason)
    return closed
