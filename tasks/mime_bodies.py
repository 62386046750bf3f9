"""Bodies of a mail: text in the lightest encoding that every server passes, files as streamed base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.attachments.source import OpenFile
from tasks.line_breaks import unified

#: RFC 5322 2.1.1: no line may be longer, its line end not counted.
LINE_MAX_BYTES = 998
#: RFC 2045 6.8: 76 characters a line, and these bytes make them.
BASE64_LINE_BYTES = 57
_BASE64_LINE_SENT_BYTES = 78
_CHUNK_BYTES = BASE64_LINE_BYTES * 1024

#: What every boundary starts with: neither quoted-printable nor base64 can produce it (RFC 2045 6.7), and a
#: text that holds it is never sent as it is. So no content can end a part.
BOUNDARY_START = "=_"

# What a 7-bit body can carry: of controls tab and line feed alone.
_SAFE = bytes({*b"\t\n", *range(0x20, 0x7F)})
_NOT_QUOTED = bytes({*b"\t\n", *range(0x20, 0x7F)} - {ord("=")})


def text_part(subtype: str, text: str, *, among_others: bool) -> bytes:
    """Headers and body of a text part, without a line end after its last line.

    Readable ASCII goes as it is, everything else as quoted-printable or base64, whichever is shorter; 8-bit
    bytes are never sent, as not every server on the way announces 8BITMIME.

    Args:
        subtype: `plain` or `html`.
        text: What it says, with any line ends.
        among_others: Whether it is one part of a multipart, where it must not look like a boundary.
    """
    text = unified(text)
    charset = "us-ascii" if text.isascii() else "utf-8"
    encoding, body = _encoded(text, among_others=among_others)
    head = (
        f'Content-Type: text/{subtype}; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    )
    return head.encode("ascii") + body


def _encoded(text: str, *, among_others: bool) -> tuple[str, bytes]:
    raw = text.encode()
    # To take out what is safe is four times as fast as to look for what is not.
    readable = not raw.translate(None, _SAFE) and not (among_others and BOUNDARY_START in text)
    if readable and max(map(len, raw.split(b"\n"))) <= LINE_MAX_BYTES:
        return "7bit", raw.replace(b"\n", b"\r\n")
    quoted_bytes = len(raw) + 2 * len(raw.translate(None, _NOT_QUOTED))
    if quoted_bytes * BASE64_LINE_BYTES <= len(raw) * _BASE64_LINE_SENT_BYTES:
        return "quoted-printable", binascii.b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
    body = base64.encodebytes(raw.replace(b"\n", b"\r\n")).replace(b"\n", b"\r\n")
    return "base64", body.removesuffix(b"\r\n")


@dataclass(frozen=True, slots=True)
class Base64Body:
    """A file as it goes on the wire, encoded piece by piece while it is sent.

    Attributes:
        file: Open; it is read anew each time.
    """

    file: OpenFile = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Exactly what `chunks` yields."""
        return base64_size_bytes(self.file.size_bytes)

    def chunks(self) -> Iterator[bytes]:
        """Whole lines of 76 characters, each piece ending in CRLF; no line needs dot-stuffing.

        Raises:
            AttachmentFault: The file cannot be read.
        """
        rest = b""
        for block in self.file.blocks():
            view = memoryview(block)
            start = 0
            if rest:
                start = BASE64_LINE_BYTES - len(rest)
                rest += bytes(view[:start])
                if len(rest) < BASE64_LINE_BYTES:
                    continue
                yield _lines(rest)
            end = start + (len(view) - start) // BASE64_LINE_BYTES * BASE64_LINE_BYTES
            for at in range(start, end, _CHUNK_BYTES):
                yield _lines(view[at : min(at + _CHUNK_BYTES, end)])
            rest = bytes(view[end:])
        if rest:
            yield _lines(rest)


def _lines(piece: bytes | memoryview) -> bytes:
    encoded = binascii.b2a_base64(piece, newline=False)
    return b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + b"\r\n"


def base64_size_bytes(raw_bytes: int) -> int:
    """How many bytes a file takes as sent: base64 with its line ends, about 1.37 times the file."""
    lines, rest = divmod(raw_bytes, BASE64_LINE_BYTES)
    return lines * _BASE64_LINE_SENT_BYTES + (-(-rest // 3) * 4 + 2 if rest else 0)
