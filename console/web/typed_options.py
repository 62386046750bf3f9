"""What somebody typed into the form of the options, as the changes that it asks for."""

from __future__ import annotations

from collections.abc import Mapping

from console.serving.fault import invalid
from console.web.option_fields import as_typed
from console.web.visit import Visit
from settings_store.catalog import ALL_OPTIONS
from settings_store.cipher import Cipher
from settings_store.errors import InvalidOption, InvalidValue, UnknownOption
from settings_store.kinds import SEALED
from settings_store.snapshot import Snapshot

#: Before an option's name in forms, so that no option is taken for another field.
PREFIX = "option."


def revision_of(visit: Visit) -> int:
    """The revision that the form was made from.

    Raises:
        Refusal: The form does not name it.
    """
    text = visit.field("revision", maximum_characters=20)
    if not (text.isascii() and text.isdecimal()):
        raise invalid("revision", "is no number; open the page anew")
    return int(text)


def typed_in(visit: Visit, made_from: Snapshot) -> dict[str, str]:
    """What differs from the options that the form was made from; a form that lacks an option leaves it.

    An empty secret keeps what is set; one in `clear` is cleared, and an option in `reset` gets its default.

    Args:
        visit: With the form.
        made_from: The options as the form showed them.
    """
    cleared, reset = set(visit.fields("clear")), set(visit.fields("reset"))
    typed = {}
    for key, option in ALL_OPTIONS.items():
        name = f"{PREFIX}{key}"
        if key in reset or (option.secret and key in cleared):
            wanted, held = as_typed(option.default), made_from.own(key)
        elif name not in visit.form:
            continue
        else:
            wanted, held = visit.field(name, maximum_characters=10_000), made_from.own(key)
            if option.secret and not wanted:
                continue
        if wanted != as_typed(held):
            typed[key] = wanted
    return typed


def without_plain_secrets(typed: Mapping[str, str], cipher: Cipher) -> dict[str, str]:
    """The same changes fit to be sent to a browser and back: secrets sealed as the encryption tool seals.

    Raises:
        SecretFault: A secret cannot be sealed here.
        InvalidValue: One is not allowed.
    """
    sealed = {}
    for key, text in typed.items():
        if ALL_OPTIONS[key].secret and text and not SEALED.match(text):
            try:
                sealed[key] = cipher.seal_for_pasting(text)
            except InvalidValue as error:
                raise InvalidValue(key, error.fault, error.allowed) from None
        else:
            sealed[key] = text
    return sealed


def faults_of(error: InvalidOption) -> dict[str, str]:
    """The faults of a refused change, by option."""
    return {
        each.key: str(each).partition(": ")[2]
        for each in error.faults
        if isinstance(each, InvalidValue | UnknownOption)
    }
