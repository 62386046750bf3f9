"""Header lines of a mail: written by us, byte for byte the same on every attempt and every Python.

The standard library's `EmailMessage` is not used for writing: it decodes what looks like an encoded word in
a subject (`=?utf-8?q?...?=`), writes a mailbox name in another script as an encoded word, which no server
understands, and folds differently from release to release, where a resend must not differ by one byte.
Names of headers are constants here; values hold no control character when they arrive, and none passes.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from tasks.addresses import InvalidAddress, parse_address
from tasks.line_breaks import one_line

#: RFC 5322 2.1.1: a line should not be longer, its line end not counted.
LINE_CHARACTERS = 78
#: A word of plain ASCII up to this length stays readable, on a line of its own; RFC 5322 allows lines of 998.
_WORD_MAX_CHARACTERS = 900
# RFC 2047 2: a line with an encoded word has at most 76 characters; 39 bytes make 52, the word 12 more, and
# the rest is for the header's name.
_ENCODED_WORD_MAX_BYTES = 39
_SENDER_MAX_CHARACTERS = 240  # of up to 4 bytes: the line stays within the 998 of RFC 5322
# RFC 2231 continuations: percent-encoded, so a character of the name takes up to 12.
_SECTION_CHARACTERS = 60

_ENCODED_WORD = re.compile(r"=\?")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._-]")
_NOT_IN_HOST = re.compile(r"[^A-Za-z0-9.-]+")
_PLAIN_FILE_NAME = re.compile(r"(?! )[A-Za-z0-9 ._()+,-]{1,60}(?<! )")


def plain(name: str, value: str) -> bytes:
    """A header whose value is known to be short and ASCII."""
    return f"{name}: {value}\r\n".encode("ascii")


@functools.lru_cache(maxsize=16)
def date(unix_seconds: int) -> bytes:
    """The Date header; what is published together has the same."""
    return plain("Date", format_datetime(datetime.fromtimestamp(unix_seconds, tz=UTC)))


def unstructured(name: str, value: str) -> bytes:
    """A header of free text: readable where it is ASCII, else in encoded words (RFC 2047), folded."""
    value = one_line(value)
    start = f"{name}: "
    words = value.split(" ")
    if value.isascii() and not _ENCODED_WORD.search(value) and max(map(len, words)) <= _WORD_MAX_CHARACTERS:
        return (start + _folded(words, len(start)) + "\r\n").encode("ascii")
    return (start + "\r\n ".join(encoded_words(value)) + "\r\n").encode("ascii")


def _folded(words: list[str], used: int) -> str:
    """Words joined by blanks, broken before one where the line would be too long; unfolding is exact."""
    parts: list[str] = []
    previous = ""
    for index, word in enumerate(words):
        if index == 0:
            parts.append(word)
        elif word and previous and used + 1 + len(word) > LINE_CHARACTERS:
            parts.append(f"\r\n {word}")
            used = 0
        else:
            parts.append(f" {word}")
        used += 1 + len(word)
        previous = word
    return "".join(parts)


def encoded_words(text: str) -> list[str]:
    """The text as encoded words of whole characters; readers join them without the blanks between."""
    words = []
    piece = b""
    for character in text:
        encoded = character.encode()
        if len(piece) + len(encoded) > _ENCODED_WORD_MAX_BYTES:
            words.append(piece)
            piece = b""
        piece += encoded
    return [f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in [*words, piece]]


def address_list(name: str, addresses: Iterable[str]) -> bytes:
    """A header of bare addresses; those in another script need a server with SMTPUTF8 and stay UTF-8."""
    line = f"{name}:"
    lines = []
    for address in addresses:
        if line.endswith(",") and len(line) + len(address) > LINE_CHARACTERS - len(" ,"):
            lines.append(line)
            line = ""
        line += f" {address},"
    return ("\r\n".join([*lines, line.removesuffix(",")]) + "\r\n").encode()


@functools.lru_cache(maxsize=16)
def sender_mailbox(sender: str) -> str:
    """The sender as From shows it: a bare mailbox, a mailbox with a name, or what the option holds.

    The option is not checked when it is set, and may be no address at all (`noreply`): such a value goes out
    without whatever could end the line, and the server judges it.
    """
    sender = one_line(sender)
    name, address = parseaddr(sender)
    verbatim = sender in (address, f"<{address}>") or sender.endswith(f"<{address}>")
    try:
        address = parse_address(address if verbatim else "")
    except InvalidAddress:
        return sender[:_SENDER_MAX_CHARACTERS]
    if not name:
        return address
    if len(name) + len(address) < LINE_CHARACTERS - len("From:  <>") and _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    return "\r\n ".join((*encoded_words(name), f"<{address}>"))


@functools.lru_cache(maxsize=16)
def header_id(notification_id: str) -> str:
    """The id as headers show it; a character or form that an id may not have becomes a hyphen."""
    return _dot_atom(_NOT_IN_ID.sub("-", notification_id)) or "-"


def message_id(notification_id: str, installation_name: str) -> str:
    """`<id@installation>`: the same on every attempt and server, so that a store can drop a duplicate."""
    return f"<{header_id(notification_id)}@{_host(installation_name)}>"


@functools.lru_cache(maxsize=16)
def _host(installation_name: str) -> str:
    return _dot_atom(_NOT_IN_HOST.sub("-", installation_name)) or "notify"


def _dot_atom(text: str) -> str:
    """The text with dots only between two other characters (RFC 5322 3.2.3)."""
    return ".".join(part for part in text.split(".") if part)


def attachment_disposition(file_name: str) -> bytes:
    """Content-Disposition with the name as RFC 2231 writes it where it is not plain ASCII or is long."""
    start = "Content-Disposition: attachment"
    if _PLAIN_FILE_NAME.fullmatch(file_name):
        return f'{start};\r\n filename="{file_name}"\r\n'.encode("ascii")
    sections = [""]
    for character in file_name:
        encoded = quote(character, safe="")
        if len(sections[-1]) + len(encoded) > _SECTION_CHARACTERS:
            sections.append("")
        sections[-1] += encoded
    if len(sections) == 1:
        return f"{start};\r\n filename*=utf-8''{sections[0]}\r\n".encode("ascii")
    sections[0] = f"utf-8''{sections[0]}"
    lines = (f";\r\n filename*{index}*={section}" for index, section in enumerate(sections))
    return f"{start}{''.join(lines)}\r\n".encode("ascii")
