"""The kinds of option: what each takes, from Python or as typed on a command line, and how it is stored.

A kind's `parse` returns the one canonical form of a value, or raises `Refused` with the fault alone: it never
repeats the value, which may be a secret that was typed into the wrong field.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Protocol

Value = bool | int | str

#: The page's limit for every text.
TEXT_MAXIMUM_CHARACTERS = 4000
#: What is shown in place of a secret: always the same length, and never taken back as a value.
MASK = "********"
#: How a sealed value begins; no other value of a secret option may.
SEALED = re.compile(r"enc:v\d+:")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_GUID = re.compile(r"(\{)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?(1)\})")
_DOMAIN_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DOMAIN_MAXIMUM_CHARACTERS = 253
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
#: Control characters and line separators would end a header or a log line; a lone surrogate cannot be stored.
_UNSTORABLE = frozenset({"Cc", "Zl", "Zp", "Cs"})


class Refused(ValueError):
    """A value is not allowed; the message is the fault without the value."""


class Kind(Protocol):
    """What an option of this kind takes."""

    @property
    def valid(self) -> str:
        """What is allowed, in the words of the page."""

    @property
    def allowed(self) -> str:
        """What is allowed, in the words of an error message."""

    def parse(self, raw: object) -> Value:
        """The canonical form of a value.

        Raises:
            Refused: The value is not allowed.
        """


def check_text(raw: object, *, maximum_characters: int, refused: str = "") -> str:
    """Return the text unchanged.

    Args:
        raw: What was given.
        maximum_characters: Most characters allowed.
        refused: Characters that are not allowed, control characters apart: these never are.

    Raises:
        Refused: It is no text, too long, or holds a character that is not allowed.
    """
    if not isinstance(raw, str):
        raise Refused("is not text")
    if len(raw) > maximum_characters:
        raise Refused(f"has {len(raw)} characters")
    for position, character in enumerate(raw, start=1):
        if unicodedata.category(character) in _UNSTORABLE:
            raise Refused(f"has a control character at position {position}")
        if character in refused:
            raise Refused(f"has the character {character} at position {position}")
    return raw


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within a range, both ends allowed."""

    minimum: int
    maximum: int
    unit: str = ""

    @property
    def valid(self) -> str:
        """The range, and the unit where there is one."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"integer {self.minimum}\N{EN DASH}{self.maximum}{unit}"

    @property
    def allowed(self) -> str:
        """As `valid`."""
        return self.valid

    def parse(self, raw: object) -> int:
        """Take an int, or decimal digits; a bool is no number here."""
        if isinstance(raw, str) and _WHOLE_NUMBER.fullmatch(raw.strip()):
            raw = int(raw)
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Refused("is not a whole number")
        if raw < self.minimum:
            raise Refused("is too small")
        if raw > self.maximum:
            raise Refused("is too large")
        return raw


@dataclass(frozen=True, slots=True)
class Text:
    """Text of one line. It is kept as given, spaces included; blank is allowed."""

    maximum_characters: int = TEXT_MAXIMUM_CHARACTERS
    refused: str = ""

    @property
    def valid(self) -> str:
        """The length, and what is not allowed."""
        return _text_limits(self.maximum_characters, self.refused)

    @property
    def allowed(self) -> str:
        """As `valid`, with the rule that holds for all text."""
        return f"{self.valid}, no control characters"

    def parse(self, raw: object) -> str:
        """Take text as it is."""
        return check_text(raw, maximum_characters=self.maximum_characters, refused=self.refused)


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or False."""

    @property
    def valid(self) -> str:
        """The two values."""
        return "True or False"

    @property
    def allowed(self) -> str:
        """Every way to write the two values."""
        return "True or False (also yes, no, on, off, 1, 0)"

    def parse(self, raw: object) -> bool:
        """Take a bool, 1 or 0, or one of the words, in capitals or not."""
        if isinstance(raw, bool):
            return raw
        word = str(raw).strip().lower() if isinstance(raw, int | str) else ""
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise Refused("is neither True nor False")


@dataclass(frozen=True, slots=True)
class Guid:
    """A GUID, stored in lower case with hyphens; blank is allowed."""

    @property
    def valid(self) -> str:
        """The page's word."""
        return "GUID"

    @property
    def allowed(self) -> str:
        """The form, since few know it by heart."""
        return "GUID (8-4-4-4-12 hexadecimal digits), or blank"

    def parse(self, raw: object) -> str:
        """Take a `uuid.UUID`, or its text, in braces or not."""
        if isinstance(raw, uuid.UUID):
            return str(raw)
        if not isinstance(raw, str):
            raise Refused("is not a GUID")
        text = raw.strip()
        if text and not _GUID.fullmatch(text):
            raise Refused("is not a GUID")
        return text.strip("{}").lower()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few given texts."""

    choices: tuple[str, ...]

    @property
    def valid(self) -> str:
        """All of them."""
        return f"one of {' '.join(self.choices)}"

    @property
    def allowed(self) -> str:
        """As `valid`."""
        return self.valid

    def parse(self, raw: object) -> str:
        """Take one of the choices, exactly."""
        if not isinstance(raw, str) or raw not in self.choices:
            raise Refused("is not one of the choices")
        return raw


@dataclass(frozen=True, slots=True)
class Domain:
    """A name as a Message-ID bears it after its `@`: labels joined by dots (RFC 5322, dot-atom)."""

    @property
    def valid(self) -> str:
        """The form."""
        return f"domain name \N{LESS-THAN OR EQUAL TO} {_DOMAIN_MAXIMUM_CHARACTERS} characters"

    @property
    def allowed(self) -> str:
        """The form in full."""
        return f"{self.valid}: letters, digits and hyphens, joined by dots"

    def parse(self, raw: object) -> str:
        """Take a name, stored in lower case; blank is not allowed."""
        if not isinstance(raw, str) or len(raw) > _DOMAIN_MAXIMUM_CHARACTERS:
            raise Refused("is not a domain name")
        text = raw.strip().lower()
        if not all(_DOMAIN_LABEL.fullmatch(label) for label in text.split(".")):
            raise Refused("is not a domain name")
        return text


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is sealed before it is stored and never shown again; blank clears it.

    `parse` takes what a person gives: it does not open or seal.

    Attributes:
        encrypted_only: Refuse what `notify encrypt` has not sealed.
        page_valid: What the page allows, where it says more than the length.
        refused: Characters that are not allowed.
    """

    encrypted_only: bool
    page_valid: str = ""
    refused: str = ""

    @property
    def valid(self) -> str:
        """The page's words."""
        return self.page_valid or _text_limits(TEXT_MAXIMUM_CHARACTERS, self.refused)

    @property
    def allowed(self) -> str:
        """What to give, and where to get it."""
        sealed = "what `notify encrypt` printed"
        if not self.encrypted_only:
            sealed += ", or the secret itself"
        return f"{sealed}, {_text_limits(TEXT_MAXIMUM_CHARACTERS, self.refused)}; blank clears it"

    def parse(self, raw: object) -> str:
        """Take a pasted value, the secret itself where that is allowed, or blank."""
        text = check_text(raw, maximum_characters=TEXT_MAXIMUM_CHARACTERS, refused=self.refused)
        if text == MASK:
            raise Refused("is the mask that stands for a secret, not a secret")
        if self.encrypted_only and text and not SEALED.match(text.strip()):
            raise Refused("is not encrypted")
        return text.strip() if SEALED.match(text.strip()) else text


def _text_limits(maximum_characters: int, refused: str) -> str:
    without = f", no `{refused}`" if refused else ""
    return f"text \N{LESS-THAN OR EQUAL TO} {maximum_characters} characters{without}"
