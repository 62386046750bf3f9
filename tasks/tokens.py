"""Tokens such as `[[$JOB NAME]]`, replaced by what the notification's context and properties say.

Names ignore case and blanks around them. OpCon's names (`$JOB NAME`, `$SCHEDULE NAME`, `$SCHEDULE DATE`,
`$MACHINE NAME`, `$JOB STATUS`, `$NOTIFYID`) mean the fields of the context and the notification's number;
then come the properties, then the context's own names (`job`, `job_number`, `trigger`...). A value is put
in as it is: a token inside a value stays text. A token that nothing resolves stays as it stands and is
reported, so that a message never loses a part in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.notification_document import Context, FileAttachment, Notification

TOKEN_NAME_MAX_CHARACTERS = 128
#: All values put into one text; a short message with many tokens for long values would grow without bound.
INSERTED_MAX_CHARACTERS = 4 * 1024 * 1024

_BEGINS = "[["
_TOKEN = re.compile(rf"\[\[([^\[\]\r\n]{{1,{TOKEN_NAME_MAX_CHARACTERS}}})\]\]")

_OPCON_NAMES = {
    "$job name": "job",
    "$schedule name": "schedule",
    "$schedule date": "schedule_date",
    "$machine name": "machine",
    "$job status": "status",
}
_NUMBER = "$notifyid"


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its tokens replaced.

    Attributes:
        text: The result.
        unknown: Names that nothing resolved, once each, as written. They are content: not for logs.
    """

    text: str
    unknown: tuple[str, ...] = ()


def expand(
    text: str, notification: Notification, number: int, *, escape: Callable[[str], str] | None = None
) -> Expanded:
    """Replace the tokens of a text in one pass.

    Values that would bring the text past 4,194,304 inserted characters are not put in, and are reported
    as unknown.

    Args:
        text: The text as the publisher wrote it.
        notification: Where the values come from.
        number: The value of `$NOTIFYID`.
        escape: Applied to each value, for texts with a syntax of their own.
    """
    if _BEGINS not in text:
        return Expanded(text)
    values = _values(notification, number)
    unknown: dict[str, None] = {}
    inserted_characters = 0

    def value(found: re.Match[str]) -> str:
        nonlocal inserted_characters
        known = values.get(_folded(found[1]))
        if known is not None:
            known = escape(known) if escape else known
            if inserted_characters + len(known) <= INSERTED_MAX_CHARACTERS:
                inserted_characters += len(known)
                return known
        unknown[found[1].strip()] = None
        return found[0]

    return Expanded(_TOKEN.sub(value, text), tuple(unknown))


def unknown_tokens(notification: Notification) -> tuple[str, ...]:
    """The names of all tokens of a notification that nothing resolves, once each; content, not for logs."""
    if not (
        # One character is looked for much faster than two.
        "[" in notification.message
        or "[" in notification.subject
        or notification.html
        or notification.attachments
    ):
        return ()
    paths = (each.path for each in notification.attachments if isinstance(each, FileAttachment))
    texts = (notification.subject, notification.message, notification.html or "", *paths)
    names = (name for text in texts if _BEGINS in text for name in expand(text, notification, 0).unknown)
    return tuple(dict.fromkeys(names))


def _values(notification: Notification, number: int) -> Mapping[str, str]:
    """All names that resolve; what is said last wins."""
    context = _context_values(notification.context)
    return {
        **context,
        **{_folded(name): value for name, value in notification.properties.items()},
        **{name: context[field] for name, field in _OPCON_NAMES.items() if field in context},
        _NUMBER: str(number),
    }


def _context_values(context: Context) -> dict[str, str]:
    given = ((name, getattr(context, name)) for name in context.__struct_fields__)
    return {name: str(value) for name, value in given if value is not None}


def _folded(name: str) -> str:
    return name.strip().casefold()
