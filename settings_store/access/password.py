"""Passwords: what one must be, how it is kept, and how one is made up.

Kept as Argon2id with the library's parameters (RFC 9106, low memory: 64 MiB, three passes). Length is asked
for and nothing else, as NIST SP 800-63B has it: rules about digits and signs make passwords worse.
"""

from __future__ import annotations

import functools
import secrets
import threading
import unicodedata
from typing import Final

import argon2

from settings_store.errors import InvalidValue

MINIMUM_CHARACTERS: Final = 12
MAXIMUM_CHARACTERS: Final = 200
#: What is counted is one form of it; typed with its accents apart, it has more characters.
_TYPED_MAXIMUM_CHARACTERS: Final = 5 * MAXIMUM_CHARACTERS
_ALLOWED: Final = (
    f"{MINIMUM_CHARACTERS} to {MAXIMUM_CHARACTERS} characters, of which no more than half are the same, "
    "and without the account's name"
)
#: Without those that are taken for another: 1 l I, 0 O, and no capitals, so that it can be read out.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARACTERS = 4, 5
#: Each takes 64 MiB: more at once would be a way to fill a machine's memory from the sign-in page.
_AT_ONCE: Final = threading.BoundedSemaphore(4)


def generated() -> str:
    """A random password that can be read out: four groups of five, 99 bits."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS)
    )


def hashed(password: str, *, account: str) -> str:
    """The hash to keep.

    Raises:
        InvalidValue: The password is not allowed; the error does not hold it.
    """
    fault = _unfit(_normal(password), account)
    if fault:
        raise InvalidValue("password", fault, _ALLOWED)
    return rehashed(password)


def rehashed(password: str) -> str:
    """The hash, with today's parameters, of a password that was taken before."""
    with _AT_ONCE:
        return _hasher().hash(_normal(password))


def matches(hash_: str, password: str) -> bool:
    """Whether the password is the one that was hashed.

    A blank hash stands for an account that does not exist; it takes as long and never matches.
    """
    if len(password) > _TYPED_MAXIMUM_CHARACTERS:
        return False
    normal = _normal(password)
    if len(normal) > MAXIMUM_CHARACTERS:
        return False
    with _AT_ONCE:
        try:
            _hasher().verify(hash_ or _nobodys(), normal)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return bool(hash_)


def is_outdated(hash_: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(hash_)


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher()


@functools.cache
def _nobodys() -> str:
    return _hasher().hash(secrets.token_hex())


def _normal(password: str) -> str:
    """One form for what can be typed in several ways (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _unfit(password: str, account: str) -> str:
    if len(password) < MINIMUM_CHARACTERS:
        return "is too short"
    if len(password) > MAXIMUM_CHARACTERS:
        return "is too long"
    if max(map(password.count, set(password))) > len(password) / 2:
        return "is almost one character alone"
    if account and account.lower() in password.lower():
        return "has the account's name in it"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        return "has a control character"
    return ""
