"""One thing that the doctor looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "warn", "error"]
_ORDER: Final[tuple[Level, ...]] = ("ok", "warn", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, without any secret, address or text of a message.

    Attributes:
        check: Its name, the same each time, `part.what`.
        level: Whether it is well; `warn` works and should not stay so, `error` loses or keeps back mail.
        what: What was found, in a sentence.
        why: Why that matters; blank where it is well.
        fix: What to type or do; blank where it is well.
    """

    check: str
    level: Level
    what: str
    why: str = ""
    fix: str = ""


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among findings; ok without any."""
    return max((finding.level for finding in findings), key=_ORDER.index, default="ok")
