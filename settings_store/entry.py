"""From what a person gives to what is stored: validated whole, secrets sealed for their option."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from settings_store.catalog import find
from settings_store.cipher import Cipher
from settings_store.errors import InvalidChange, InvalidOption, SecretFault
from settings_store.kinds import SEALED, Value
from settings_store.option import Option
from settings_store.snapshot import Snapshot


def entered(values: Mapping[str, object], before: Snapshot) -> dict[str, Value]:
    """The canonical values of a change, all of them or none.

    A secret that is what it was keeps its sealed value, so giving it again changes nothing.

    Args:
        values: What was given, by option.
        before: The options as they are, with the cipher that seals.

    Raises:
        InvalidOption: A name or value is not allowed; where there are several, `faults` tells all.
        SecretFault: A secret can be neither opened nor sealed here.
    """
    parsed: dict[Option, Value] = {}
    faults: list[InvalidOption] = []
    for key, raw in values.items():
        try:
            option = find(key)
            parsed[option] = option.parse(raw)
        except InvalidOption as fault:
            faults.append(fault)
    if faults:
        raise faults[0] if len(faults) == 1 else InvalidChange(faults)
    return {option.key: _stored(option, value, before) for option, value in parsed.items()}


def _stored(option: Option, value: Value, before: Snapshot) -> Value:
    if not option.secret or value == "":
        return value
    old = str(before.own(option.key))
    given = str(value)
    plain = before.cipher.open_pasted(option.key, given) if SEALED.match(given) else given
    return old if _opens_to(before.cipher, option, old, plain) else before.cipher.seal(option.key, plain)


def _opens_to(cipher: Cipher, option: Option, sealed: str, plain: str) -> bool:
    """Whether a stored value is this very secret; one that cannot be opened is not."""
    if not sealed:
        return False
    try:
        known = cipher.open(option.key, sealed)
    except SecretFault:
        return False
    return hmac.compare_digest(known.encode(), plain.encode())
