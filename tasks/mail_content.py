"""Subject and texts of an e-mail: tokens replaced, number and prefix in front, lines about files last."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.line_breaks import one_line, written_breaks
from tasks.notification_document import SUBJECT_MAX_CHARACTERS, Notification
from tasks.prefix import TextOptions, before_message, lead, number_first
from tasks.tokens import expand

DEFAULT_SUBJECT = "OpCon Notification"

_BODY_TAG = re.compile(r"<body\b[^<>]{0,2000}>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MailContent:
    """What a reader of the mail sees.

    Attributes:
        subject: One line.
        text: The plain text.
        html: The same for readers that show HTML, or None.
        unknown_tokens: Names of tokens that nothing resolved, once each.
    """

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    unknown_tokens: tuple[str, ...] = field(repr=False)


def compose_mail(
    notification: Notification, number: int, options: TextOptions, lines: Sequence[str]
) -> MailContent:
    """Put an e-mail's words together; the lines say what is to be known of its files."""
    subject = expand(notification.subject, notification, number)
    message = expand(written_breaks(notification.message), notification, number)
    last = [one_line(line) for line in lines]
    before = number_first(number) + before_message(notification, options)
    text = "\n\n".join((before + message.text, *(["\n".join(last)] if last else [])))
    unknown = [*subject.unknown, *message.unknown]
    marked_up = None
    if notification.html is not None:
        page = expand(notification.html, notification, number, escape=html.escape)
        first = number_first(number) + lead(notification, options)
        marked_up = _with_lines(page.text, first.strip(), last)
        unknown += page.unknown
    return MailContent(_subject(notification, subject.text), text, marked_up, tuple(dict.fromkeys(unknown)))


def _subject(notification: Notification, expanded: str) -> str:
    subject = one_line(expanded)
    if not subject:
        trigger = one_line(notification.context.trigger or "")
        subject = f"{DEFAULT_SUBJECT}: {trigger}" if trigger else DEFAULT_SUBJECT
    if len(subject) > SUBJECT_MAX_CHARACTERS:  # only tokens can bring it there
        subject = subject[: SUBJECT_MAX_CHARACTERS - 3].rstrip() + "..."
    return subject


def _with_lines(page: str, first: str, last: list[str]) -> str:
    """The page with a line before and lines after its content, inside its body where it has one."""
    start = found.end() if (found := _BODY_TAG.search(page)) else 0
    ends = [found.start() for found in _BODY_END.finditer(page, start)]
    end = ends[-1] if ends else len(page)
    after = "".join(f"<p>{html.escape(line)}</p>\n" for line in last)
    return f"{page[:start]}<div>{html.escape(first)}</div>\n{page[start:end]}{after}{page[end:]}"
