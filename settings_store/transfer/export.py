"""Every option as one JSON document, without secrets, and that document read back.

```
{"format": "notify-options", "version": 1, "revision": 7,
 "values": {"primary_email.server_port": 587, …}, "secrets_set": ["primary_email.client_secret"]}
```

The same revision is the same document, byte for byte, so it can be kept under version control.
`values` has every option but the secrets as it was set, defaults included, so that reading it back leaves
none of them to chance; what a mirror lays over a secondary is not in it, the mirror's own option is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from settings_store.catalog import ALL_OPTIONS
from settings_store.errors import UnreadableOptions
from settings_store.kinds import SEALED
from settings_store.snapshot import Snapshot
from settings_store.transfer.reading import Note, Reading, enter_anew

FORMAT: Final = "notify-options"
VERSION: Final = 1


def exported(snapshot: Snapshot) -> dict[str, Any]:
    """The document of one revision; it holds no secret, sealed or not."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "revision": snapshot.revision,
        "values": {key: snapshot.own(key) for key, option in ALL_OPTIONS.items() if not option.secret},
        "secrets_set": [
            key for key, option in ALL_OPTIONS.items() if option.secret and snapshot.own(key) != ""
        ],
    }


def is_export(document: object) -> bool:
    """Whether a JSON value calls itself an export of ours."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def read_export(document: Mapping[str, Any], before: Snapshot) -> Reading:
    """The values of an export, and which secrets are to be entered anew here.

    Secrets that are set here stay, whatever the export says of them. What `notify encrypt` printed may be
    written into `values` by hand, and is taken.

    Args:
        document: What `exported` made.
        before: The options as they are here.

    Raises:
        UnreadableOptions: It is of a later version, or no whole export.
    """
    if document.get("version") != VERSION:
        raise UnreadableOptions("it is an export of another version of this program", f"version {VERSION}")
    values, secrets = document.get("values"), document.get("secrets_set")
    if not isinstance(values, dict) or not isinstance(secrets, list):
        raise UnreadableOptions("it is no whole export", "what `notify options export` printed")
    reading = Reading("export")
    for key, value in values.items():
        if key not in ALL_OPTIONS:
            reading.notes.append(Note(key, "unknown", "this version has no such option"))
        elif ALL_OPTIONS[key].secret and not (isinstance(value, str) and SEALED.match(value)):
            reading.notes.append(Note(key, "secret", f"an export holds no secret; {enter_anew(key)}"))
        else:
            reading.values[key] = value
    for key in secrets:
        known = isinstance(key, str) and key in ALL_OPTIONS and ALL_OPTIONS[key].secret
        if known and key not in reading.values and not before.own(key):
            reading.notes.append(Note(key, "secret", f"was set there and is not here; {enter_anew(key)}"))
    return reading
