"""How many characters a text to a phone takes, and how a longer one is cut or refused.

A message holds 160 septets of the GSM 7-bit default alphabet; a character of its extension table takes two
(3GPP TS 23.038, 6.2.1). One character outside both turns the whole message into UCS-2, which holds 70
16-bit units; a character outside the basic plane takes two. Longer texts would become several messages,
which not every gateway sends or joins: one notification is one message here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SEPTETS_MAX = 160
UCS2_UNITS_MAX = 70

#: TS 23.038 table 6.2.1 without the escape code itself.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: TS 23.038 table 6.2.1.1.
EXTENSION = frozenset("\f^{}\\[~]|€")

#: Shown where a text was cut: three characters of the alphabet, where the one-character ellipsis is not.
MARK = "..."

_BASIC_PLANE_END = 0xFFFF


@dataclass(frozen=True, slots=True)
class Length:
    """The length of a text as a phone network counts it.

    Attributes:
        used: Septets or UCS-2 units.
        limit: How many one message holds in that alphabet.
        alphabet: Which of the two it is.
    """

    used: int
    limit: int
    alphabet: Literal["GSM-7", "UCS-2"]

    @property
    def fits(self) -> bool:
        """Whether one message is enough."""
        return self.used <= self.limit


class TextTooLong(ValueError):
    """A text needs more than one message and may not be cut.

    Attributes:
        length: The counts; the text itself is not kept.
    """

    def __init__(self, used: int, limit: int, alphabet: Literal["GSM-7", "UCS-2"]) -> None:
        super().__init__(used, limit, alphabet)
        self.length = Length(used, limit, alphabet)

    def __str__(self) -> str:
        length = self.length
        return (
            f"the text takes {length.used} of the {length.limit} characters of one {length.alphabet} message"
        )


def measure(text: str) -> Length:
    """Count a text."""
    if all(character in BASIC or character in EXTENSION for character in text):
        septets = len(text) + sum(character in EXTENSION for character in text)
        return Length(septets, SEPTETS_MAX, "GSM-7")
    units = len(text) + sum(ord(character) > _BASIC_PLANE_END for character in text)
    return Length(units, UCS2_UNITS_MAX, "UCS-2")


def fit(text: str, policy: Literal["cut", "refuse"]) -> str:
    """Return the text if one message holds it, else cut it after a word and mark the place with `...`.

    A word that is cut off whole takes less than half of what fits; a longer one, an address of a web page or
    a sentence in a script without blanks, is cut inside. A character always stays whole.

    Raises:
        TextTooLong: It does not fit and the policy is to refuse.
    """
    length = measure(text)
    if length.fits:
        return text
    if policy == "refuse":
        raise TextTooLong(length.used, length.limit, length.alphabet)
    longest = _longest_start(text)
    place = longest
    while place > longest // 2 and not text[place].isspace():
        place -= 1
    start = text[:place] if text[place].isspace() else text[:longest]
    return start.rstrip() + MARK


def _longest_start(text: str) -> int:
    """How many characters of the text one message holds together with the mark.

    A start that fits has only starts that fit, in either alphabet and across the change from one to the
    other, so the first that does not ends the search.
    """
    septets = units = len(MARK)
    gsm7 = True
    for index, character in enumerate(text):
        gsm7 = gsm7 and (character in BASIC or character in EXTENSION)
        septets += 2 if character in EXTENSION else 1
        units += 2 if ord(character) > _BASIC_PLANE_END else 1
        if septets > SEPTETS_MAX if gsm7 else units > UCS2_UNITS_MAX:
            return index
    return len(text)
