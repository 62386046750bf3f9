"""Drafts as Redis keeps them: sealed where there is a key."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from settings_store.cipher import Cipher, key_id_of

Draft = TypeVar("Draft", bound=msgspec.Struct)


def sealed(draft: msgspec.Struct, bound_to: str, cipher: Cipher) -> str:
    """A checked draft as it is kept. Without a key it is not sealed, and then no secret is in it.

    Args:
        draft: What is to be tested.
        bound_to: Family and id of the test; for no other it can be opened.
        cipher: With the keys of this process.
    """
    text = msgspec.json.encode(draft).decode()
    return cipher.seal(bound_to, text) if cipher.keyring else text


def opened(kept: str, bound_to: str, cipher: Cipher, kind: type[Draft]) -> Draft:
    """The draft that somebody kept.

    Raises:
        settings_store.errors.SecretFault: This process cannot open it.
    """
    text = cipher.open(bound_to, kept) if key_id_of(kept) else kept
    return msgspec.json.decode(text, type=kind)
