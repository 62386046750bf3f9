"""What a first start sets, once: a key ring, and options that point at the two local inboxes.

From then on the options belong to the administrator: no later start touches them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import redis

from settings_store import keyring
from settings_store.errors import StaleRevision
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from workers.embedded.ports import LOOPBACK

AUTHOR = "make up"
#: The group of options that points at each inbox.
GROUPS = {"primary": "primary_email", "secondary": "secondary_email"}


def key_files(named: str, own: Path) -> str:
    """NOTIFY_KEY_FILE for programs that run anywhere: what the caller named, else our own, made if missing.

    Raises:
        KeyringUnusable: The key file cannot be made.
    """
    if named:
        return os.pathsep.join(str(Path(part).absolute()) for part in named.split(os.pathsep) if part)
    if not own.exists():
        keyring.generate(own)
    return str(own)


def first_options(client: redis.Redis, prefix: str, ports: Mapping[str, int]) -> bool:
    """Point the e-mail servers at the inboxes, where nobody ever changed an option; whether it did.

    Raises:
        redis.RedisError: Redis does not answer.
        SettingsFault: What Redis holds was not written by us.
    """
    store = SettingsStore(client, prefix=prefix)
    if store.snapshot().revision:
        return False
    values: dict[str, object] = {}
    for inbox, group in GROUPS.items():
        values[f"{group}.server_name"] = LOOPBACK
        values[f"{group}.server_port"] = ports[inbox]
    try:
        return store.change(values, author=AUTHOR, reason="first start", expected_revision=0).saved
    except StaleRevision:
        # Somebody saved in this very moment: theirs holds.
        return False


def strayed(snapshot: Snapshot, ports: Mapping[str, int]) -> list[str]:
    """Words for `notify` that lead the options back to inboxes whose ports were moved; mostly none."""
    return [
        f'options set {group}.server_port={ports[inbox]} --reason "inbox moved"'
        for inbox, group in GROUPS.items()
        if snapshot.get(f"{group}.server_name") == LOOPBACK
        and snapshot.get(f"{group}.server_port") not in ports.values()
    ]
