"""The options as whoever asks for a test needs them."""

from __future__ import annotations

from console.cli.context import client
from settings_store.environment import Environment
from settings_store.errors import KeyringUnusable
from settings_store.keyring import load as load_keyring
from settings_store.store import SettingsStore


def testing_store(found: Environment, *, with_keys: bool) -> SettingsStore:
    """The options, with the keys where there are any: they seal what is asked for.

    Raises:
        KeyringUnusable: There are keys that cannot be used, and they are needed.
    """
    try:
        keyring = load_keyring(found.key_files)
    except KeyringUnusable:
        if with_keys:
            raise
        # What is tested holds no secret then, and a lost key file must not keep anybody from testing.
        keyring = None
    return SettingsStore(client(found), prefix=found.prefix, keyring=keyring)
