"""Values out of OpCon: what can be taken over, and what an administrator has to look at.

Nothing is bent until it fits: a value that is not allowed here is told and left out, and what was set here
stays. OpCon's encrypted passwords open nowhere else; each is told, and none is ever kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from settings_store.catalog import ALL_OPTIONS, OPTIONS
from settings_store.errors import UnreadableOptions
from settings_store.kinds import SEALED, Boolean, Integer, Refused
from settings_store.option import Option
from settings_store.snapshot import Snapshot
from settings_store.transfer.opcon_names import option_of
from settings_store.transfer.pairs import Pair
from settings_store.transfer.reading import Note, Reading, Topic, enter_anew

#: How pages and scripts write that nothing is set.
_BLANK: Final = re.compile(r"\s*(<(blank|none)\\?>)?\s*", re.IGNORECASE)
_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}")
#: Options that older pages let be any number: they checked none before OpCon 22.7.
_OPCONS_NUMBERS: Final = frozenset({*OPTIONS, "text.history_days"})
#: What a page of another age allowed, by the last part of the option's name.
_OLDER_RANGES: Final[Mapping[str, str]] = {"server_port": "0 to 9999"}
_UNCHECKED: Final = "older pages checked no numbers"
_YES_AND_NO: Final = {"y": True, "n": False}
#: The default of the SMS ports before the pages of OpCon 26.
_OLD_SMS_PORT: Final = "20"
_OLD_PORT_TOLD: Final = (
    "is 20, the default before OpCon 26; it is taken as it is, but mail servers listen on 25, 465 or 587"
)
_OLD_SMS_PORTS: Final = frozenset({"primary_sms.server_port", "secondary_sms.server_port"})


def read_pairs(pairs: Iterable[Pair], before: Snapshot) -> Reading:
    """The options among names and values.

    Args:
        pairs: As a file has them.
        before: The options as they are here.

    Raises:
        UnreadableOptions: Two names mean the same option.
    """
    reading = Reading("pairs")
    names: dict[str, str] = {}
    for name, value in pairs:
        key = option_of(name)
        if key is None:
            reading.notes.append(Note(name, "unknown", "no option of ours has this name"))
            continue
        if key in names:
            raise UnreadableOptions(
                f"{name[:80]!r} and {names[key][:80]!r} both mean {key}", "each option once"
            )
        names[key] = name
        _take(reading, ALL_OPTIONS[key], value, before)
    return reading


def _take(reading: Reading, option: Option, value: Any, before: Snapshot) -> None:
    """Put a value among those to save, or say why not."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and _BLANK.fullmatch(text):
        text = ""
    if option.secret:
        _take_secret(reading, option, text, before)
    elif isinstance(option.kind, Integer | Boolean) and text == "":
        _note(reading, option, "blank", "is blank in the file; it is left as it is")
    elif isinstance(option.kind, Integer):
        _take_number(reading, option, option.kind, text)
    elif isinstance(option.kind, Boolean) and isinstance(text, str):
        reading.values[option.key] = _YES_AND_NO.get(text.casefold(), text)
    elif option.key == "text.delimiter" and text == "":
        reading.values[option.key] = option.default
    else:
        reading.values[option.key] = text


def _take_secret(reading: Reading, option: Option, value: Any, before: Snapshot) -> None:
    if value == "":
        return  # what was entered here since stays
    if isinstance(value, str) and SEALED.match(value):
        reading.values[option.key] = value
        return
    then = "what is set here stays" if before.own(option.key) else enter_anew(option.key)
    _note(reading, option, "secret", f"what OpCon encrypted opens nowhere else, so it was not taken; {then}")


def _take_number(reading: Reading, option: Option, kind: Integer, value: Any) -> None:
    name = option.key.partition(".")[2]
    try:
        kind.parse(value)
    except Refused:
        if option.key not in _OPCONS_NUMBERS or not _is_whole(value):
            reading.values[option.key] = value  # the change refuses it by name
            return
        older = f"older pages allowed {_OLDER_RANGES[name]}" if name in _OLDER_RANGES else _UNCHECKED
        told = f"is outside of what is allowed here, {kind.allowed}; {older}; it is left as it is"
        _note(reading, option, "range", told)
        return
    reading.values[option.key] = value
    if option.key in _OLD_SMS_PORTS and str(value) == _OLD_SMS_PORT:
        _note(reading, option, "check", _OLD_PORT_TOLD)


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_WHOLE_NUMBER.fullmatch(value))
    return isinstance(value, int) and not isinstance(value, bool)


def _note(reading: Reading, option: Option, topic: Topic, text: str) -> None:
    reading.notes.append(Note(option.key, topic, text))
