"""The text of a message on the wire: CRLF line ends, dots doubled, an end that is unmistakable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

BLOCK_BYTES = 256 * 1024

#: What stays below a block however it is encoded.
_SMALL_BYTES = BLOCK_BYTES // 3

_LINE_END = re.compile(rb"\r\n|\r|\n")


class BodyEncoder:
    """Encodes a text chunk by chunk; where it is cut makes no difference (RFC 5321 2.3.8 and 4.5.2)."""

    def __init__(self) -> None:
        self._at_line_start = True
        self._after_bare_cr = False

    def encode(self, chunk: bytes) -> bytes:
        """The next part of the text: every CR, LF and CRLF becomes CRLF, a dot that starts a line two."""
        if self._after_bare_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_bare_cr = False
        if not chunk:
            return b""
        # The line end of a CR that ends a chunk is written at once; an LF that follows belongs to it.
        self._after_bare_cr = chunk.endswith(b"\r")
        if not _has_line_ends_of_smtp(chunk):
            chunk = _LINE_END.sub(b"\r\n", chunk)
        stuffed = chunk.replace(b"\r\n.", b"\r\n..")
        if self._at_line_start and chunk.startswith(b"."):
            stuffed = b"." + stuffed
        self._at_line_start = chunk.endswith(b"\r\n")
        return stuffed

    def end(self) -> bytes:
        """What ends the text: the dot alone on its line."""
        return b".\r\n" if self._at_line_start else b"\r\n.\r\n"


def encoded_blocks(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The text in blocks of at most 256 kB, each with whether it is the last, which completes the end."""
    encoder = BodyEncoder()
    pending = bytearray()
    for chunk in chunks:
        if len(pending) + len(chunk) <= _SMALL_BYTES:
            pending += encoder.encode(chunk)
            continue
        for start in range(0, len(chunk), BLOCK_BYTES):
            pending += encoder.encode(bytes(chunk[start : start + BLOCK_BYTES]))
            while len(pending) > BLOCK_BYTES:
                yield bytes(pending[:BLOCK_BYTES]), False
                del pending[:BLOCK_BYTES]
    pending += encoder.end()
    if len(pending) > BLOCK_BYTES:
        yield bytes(pending[:BLOCK_BYTES]), False
        del pending[:BLOCK_BYTES]
    yield bytes(pending), True


def _has_line_ends_of_smtp(chunk: bytes) -> bool:
    return chunk.count(b"\r\n") == chunk.count(b"\r") == chunk.count(b"\n")
