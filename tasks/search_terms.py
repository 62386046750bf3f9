"""What a notification is found by: job, schedule, machine and recipients, each as a short hash.

Names of keys are seen by whoever lists keys or reads a slow log, so no address and no text is in them. A hash
is not a secret to somebody who guesses the value; it keeps it out of sight.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import unicodedata
from typing import Final, Literal

from tasks.addresses import InvalidAddress, parse_address
from tasks.notification import Notification, envelope_recipients

SearchTerm = Literal["job", "schedule", "machine", "recipient"]

#: 72 bits: two values in a hundred million meet with a probability of one in a million.
_BYTES: Final = 9
#: The same people and jobs come again and again.
_KNOWN: Final = 4_096
#: As the scripts of the ledger cut them.
TERM_CHARACTERS: Final = 12


def term(name: SearchTerm, value: str) -> str:
    """The term of a value; the same for values that differ in case and blanks alone."""
    return _term(name, value)


@functools.lru_cache(maxsize=_KNOWN)
def _term(name: SearchTerm, value: str) -> str:
    plain = _address(value) if name == "recipient" else value
    alike = " ".join(unicodedata.normalize("NFKC", plain).casefold().split())
    digest = hashlib.sha256(f"{name}\0{alike}".encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()


def terms_of(notification: Notification) -> tuple[str, ...]:
    """The terms of a notification, each once."""
    context = notification.context
    named: tuple[tuple[SearchTerm, str | None], ...] = (
        ("job", context.job),
        ("schedule", context.schedule),
        ("machine", context.machine),
    )
    found = [term(name, value) for name, value in named if value and value.strip()]
    found += [term("recipient", address) for address in envelope_recipients(notification)]
    return tuple(dict.fromkeys(found))


def split_terms(text: str) -> list[str]:
    """The terms that the ledger keeps put together."""
    return [text[at : at + TERM_CHARACTERS] for at in range(0, len(text), TERM_CHARACTERS)]


def _address(value: str) -> str:
    """The form that recipients have in the ledger, where it is an address at all."""
    try:
        return parse_address(value)
    except InvalidAddress:
        return value
