"""The body of a text to a phone: number, message, nothing else, in one message."""

from __future__ import annotations

from tasks.gsm7 import TextTooLong, fit
from tasks.line_breaks import lines_only, written_breaks
from tasks.notification_document import Notification
from tasks.notification_faults import InvalidNotification
from tasks.prefix import number_first
from tasks.tokens import Expanded, expand

#: Before a notification has its number, room is kept for one of ten digits: `ID=9999999999 ` and $NOTIFYID.
WIDEST_NUMBER = 9_999_999_999

# Typographic signs that word processors put in place of ASCII ones: each would turn 160 characters into 70.
_TYPOGRAPHIC = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
        "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u00a0": " ",
    }
)  # fmt: skip


def compose_text(notification: Notification, number: int) -> Expanded:
    """The text of a notification, cut to one message where it allows that.

    Typographic quotes, dashes and blanks become plain ones before counting; tabs and other control
    characters become blanks.

    Raises:
        TextTooLong: It does not fit and the notification asks to refuse; `refuse_too_long` asks beforehand.
    """
    expanded = expand(written_breaks(notification.message), notification, number)
    text = number_first(number) + lines_only(expanded.text).translate(_TYPOGRAPHIC).strip()
    return Expanded(fit(text, notification.long_text), expanded.unknown)


def refuse_too_long(notification: Notification) -> None:
    """Refuse, before it has a number, a text that would not fit whatever its number becomes.

    Raises:
        InvalidNotification: It is a text with `long_text` "refuse", and too long with a number of ten digits.
    """
    if notification.channel != "text" or notification.long_text != "refuse":
        return
    refusal: InvalidNotification | None = None
    try:
        compose_text(notification, WIDEST_NUMBER)
    except TextTooLong as fault:
        counts = fault.length
        refusal = InvalidNotification(
            "message",
            f"takes {counts.used} characters of a text, its number included",
            f'{counts.limit} in {counts.alphabet}, or long_text "cut"',
        )
    if refusal:
        raise refusal
