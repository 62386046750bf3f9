"""One reply of a server, as the ledger keeps it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.transports.enhanced_status import EnhancedStatus, parse_enhanced_status

#: More of a reply's text than any person reads is not worth its place in the ledger.
MAXIMUM_TEXT_CHARACTERS = 1_000

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """Code, enhanced status code and text of a reply.

    Attributes:
        code: Three digits, 200 to 599.
        enhanced: The enhanced status code at the start of the text, if any.
        text: The lines behind code and status, joined by blanks, one printable line, cut at 1,000 characters.
            It may quote addresses, so it belongs in the ledger and in no log or error.
    """

    code: int
    enhanced: EnhancedStatus | None = None
    text: str = field(default="", repr=False)

    @property
    def accepts(self) -> bool:
        """Whether the server agreed (2xx)."""
        return self.code // 100 == 2  # noqa: PLR2004  # the first digit of RFC 5321 4.2.1


def read_reply(code: int, lines: Iterable[bytes]) -> Reply:
    """Make a reply of its code and the lines behind it, whatever bytes they hold."""
    return _read_reply(code, tuple(lines))


# Most replies of a server are those that it gave before.
@functools.lru_cache(maxsize=32)
def _read_reply(code: int, lines: tuple[bytes, ...]) -> Reply:
    # An enhanced status code is repeated on every line of a reply, and kept beside the text.
    decoded = [line.decode("utf-8", errors="replace") for line in lines]
    enhanced = parse_enhanced_status(decoded[0]) if decoded else None
    if enhanced is not None:
        repeated = str(enhanced)
        decoded = [line.lstrip().removeprefix(repeated) for line in decoded]
    text = _UNPRINTABLE.sub(" ", " ".join(part.strip() for part in decoded)).strip()
    return Reply(code, enhanced, text[:MAXIMUM_TEXT_CHARACTERS])
