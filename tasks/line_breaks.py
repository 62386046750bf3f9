r"""Line breaks and other control characters in texts that people and schedulers write.

OpCon prints the two characters `\n` (and `\r`, `\t`) in a message as a line break or tab, because its
messages are single-line fields; its users count on it. The same two characters occur in every Windows path
with a folder such as `\new` or `\temp`, and a path broken in an alarm is worse than a `\n` printed as it
stands. JSON can carry a real line break. So `written_breaks` honours OpCon's form only where it cannot hurt:

- a message that has a real line break or tab is taken as it is written, all of it;
- in any other, `\r\n`, `\n`, `\r` and `\t` are formatting up to the first Windows path (`\\server...` or
  `X:\...`); from there on nothing is changed, as paths may hold blanks and nothing marks their end;
- values that tokens bring in are never touched.

What remains is a relative path (`logs\new.txt`) in a one-line message: give it as a property, or end the
message with a line break.
"""

from __future__ import annotations

import re

_WRITTEN = re.compile(
    r"(?P<path>\\\\[^\\\s]|(?:(?<![A-Za-z0-9])|(?<=\\[rnt]))[A-Za-z]:\\)|(?P<form>\\r\\n|\\[rnt])"
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROLS_BUT_LINE_FEED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")


def written_breaks(message: str) -> str:
    r"""The message with OpCon's written line breaks and tabs (`\n`, `\t`) made real, paths left alone."""
    if "\\" not in message or "\n" in message or "\r" in message or "\t" in message:
        return message
    parts = []
    position = 0
    for found in _WRITTEN.finditer(message):
        if found["path"]:
            break
        parts += [message[position : found.start()], "\t" if found["form"] == "\\t" else "\n"]
        position = found.end()
    return "".join((*parts, message[position:]))


def unified(text: str) -> str:
    """The text with every kind of line end (CRLF, CR, LF) as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def one_line(text: str) -> str:
    """The text for a header or a prefix: each run of control characters is one blank, none at the ends."""
    return _CONTROLS.sub(" ", text).strip(" ")


def lines_only(text: str) -> str:
    """The text with unified line ends; each run of other control characters, tabs too, is one blank."""
    return _CONTROLS_BUT_LINE_FEED.sub(" ", unified(text))
