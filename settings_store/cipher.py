"""Secrets at rest: sealed before they reach Redis, opened as late as they are needed.

A sealed value is `enc:v1:<key id>:<base64url of nonce, ciphertext and tag>`, by AES-256-GCM. The
format's version, the key id, the installation and the option are authenticated with it, so a value that is
copied to another option or to another installation does not open there.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, field

from settings_store.errors import BrokenSeal, InvalidValue, MissingKey, NoKeyring, UnknownSeal
from settings_store.keyring import KEY_ID, Keys
from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

VERSION = "v1"
NONCE_BYTES = 12
#: Twelve bytes are sixteen characters of base64 exactly.
_NONCE_CHARACTERS = 16
_SHAPE = re.compile(rf"enc:{VERSION}:({KEY_ID.pattern}):([A-Za-z0-9_-]+)")
#: Stands where the option stands in a stored value; no option is called so.
_FOR_PASTING = ""
_PASTED = "the encrypted value"
_LIMIT = f"at most {TEXT_MAXIMUM_CHARACTERS} characters"


@dataclass(frozen=True, slots=True)
class Cipher:
    """Seals and opens for one installation.

    Attributes:
        keyring: The keys; without one nothing is sealed or opened.
        installation: What tells this installation from another that has the same keys.
    """

    keyring: Keys | None = field(repr=False)
    installation: str

    def seal(self, option: str, plain: str) -> str:
        """Seal a secret for one option.

        Raises:
            NoKeyring: This process has no key ring.
        """
        return self._seal(option, plain, named=option)

    def open(self, option: str, sealed: str) -> str:
        """The secret of one option.

        Raises:
            NoKeyring: This process has no key ring.
            MissingKey: The key that sealed it is not in the key ring.
            BrokenSeal: The key does not open it for this option.
            UnknownSeal: It is no sealed value.
        """
        return self._open(option, sealed, named=option)

    def reseal(self, option: str, sealed: str) -> str:
        """The same value sealed with the primary key; the value itself where that sealed it.

        The nonce stays: it is random, and under the new key it belongs to this one value, so a repeat gives
        the very same text, and `mark_of` stays too.

        Raises:
            SecretFault: As `open`.
        """
        plain = self.open(option, sealed)
        if self.keyring is None or key_id_of(sealed) == self.keyring.primary:
            return sealed
        return self._seal(option, plain, named=option, nonce=_decoded(sealed)[:NONCE_BYTES])

    def seal_for_pasting(self, plain: str) -> str:
        """Seal a secret so that it can be pasted into any secret option of this installation.

        Raises:
            InvalidValue: The secret is blank, too long, or has a control character (a line end, mostly).
            NoKeyring: This process has no key ring.
        """
        fault = _unfit(plain)
        if fault:
            raise InvalidValue("secret", fault, f"one line of text, sealed {_LIMIT}")
        sealed = self._seal(_FOR_PASTING, plain, named=_PASTED)
        if len(sealed) > TEXT_MAXIMUM_CHARACTERS:
            raise InvalidValue("secret", "is too long to be pasted", f"sealed {_LIMIT}")
        return sealed

    def open_pasted(self, option: str, sealed: str) -> str:
        """The secret that somebody sealed for pasting and now gives to an option.

        Raises:
            InvalidValue: It is no sealed value.
            NoKeyring: This process has no key ring.
            MissingKey: The key that sealed it is not in the key ring.
            BrokenSeal: It was not made by `seal_for_pasting` with this key for this installation.
        """
        if not key_id_of(sealed):
            raise InvalidValue(
                option, "is not a sealed value of a known version", "what `notify encrypt` printed"
            )
        return self._open(_FOR_PASTING, sealed, named=option)

    def _seal(self, bound_to: str, plain: str, *, named: str, nonce: bytes = b"") -> str:
        if self.keyring is None:
            raise NoKeyring(named)
        key_id = self.keyring.primary
        # A random nonce is safe for 2**32 values under one key; settings make a handful a day.
        nonce = nonce or os.urandom(NONCE_BYTES)
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # see _decrypted

        sealed = AESGCM(self.keyring.keys[key_id]).encrypt(
            nonce, plain.encode(), self._context(key_id, bound_to)
        )
        return f"enc:{VERSION}:{key_id}:{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def _open(self, bound_to: str, sealed: str, *, named: str) -> str:
        shape = _SHAPE.fullmatch(sealed)
        if shape is None:
            raise UnknownSeal(named)
        key_id = shape[1]
        if self.keyring is None:
            raise NoKeyring(named)
        key = self.keyring.keys.get(key_id)
        if key is None:
            raise MissingKey(named, key_id)
        plain = _decrypted(key, shape[2], self._context(key_id, bound_to))
        if plain is None:
            raise BrokenSeal(named, key_id)
        return plain

    def _context(self, key_id: str, bound_to: str) -> bytes:
        return json.dumps(["enc", VERSION, key_id, self.installation, bound_to]).encode()


def key_id_of(sealed: str) -> str:
    """The id of the key that sealed a value; blank where it is no sealed value."""
    shape = _SHAPE.fullmatch(sealed)
    return shape[1] if shape else ""


def mark_of(sealed: str) -> str:
    """What tells a sealed value from every other, and stays when it is sealed with another key.

    Blank where it is no sealed value.
    """
    shape = _SHAPE.fullmatch(sealed)
    return shape[2][:_NONCE_CHARACTERS] if shape else ""


def _decoded(sealed: str) -> bytes:
    encoded = sealed.rpartition(":")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def _unfit(plain: str) -> str:
    """Why a text cannot be sealed for pasting, without the text; blank where it can."""
    if not plain:
        return "is blank"
    try:
        check_text(plain, maximum_characters=TEXT_MAXIMUM_CHARACTERS)
    except Refused as refused:
        return str(refused)
    return ""


def _decrypted(key: bytes, encoded: str, context: bytes) -> str | None:
    """The plain text, or None: no exception of the layers below may carry a part of it."""
    # Imported where it is used: most commands open no secret, and a third of their start would go into this.
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None
