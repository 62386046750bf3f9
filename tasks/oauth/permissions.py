"""Why a server may have refused a token: what the token itself says that its application may do."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

#: What Exchange Online wants of an application that sends by SMTP.
SEND_AS_APP: Final = "SMTP.SendAsApp"


class _Claims(msgspec.Struct):
    """The claims that we look at."""

    roles: list[str] = []


def refused_token_words(token: str) -> str:
    """Why a token that was just issued is refused, as far as can be told.

    The token is not checked: it says nothing that is believed, and only chooses the words.
    """
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims
        )
    except (IndexError, ValueError, binascii.Error, msgspec.MsgspecError):
        return "the server refused the token"
    if SEND_AS_APP in claims.roles:
        return "the server refused the token: the mailbox is not granted to the application"
    return f"the server refused the token, which carries no permission {SEND_AS_APP}"
