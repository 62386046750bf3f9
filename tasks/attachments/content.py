"""A file that is in memory: brought by the publisher, or put together here."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.attachments.source import BLOCK_BYTES


class Content:
    """An open file whose bytes are known.

    Attributes:
        name: Without any folder.
        content: The bytes.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<{len(self.content)} bytes>)"

    @property
    def size_bytes(self) -> int:
        """How many bytes it has."""
        return len(self.content)

    def blocks(self) -> Iterator[bytes]:
        """The content in blocks; it cannot fail."""
        for start in range(0, len(self.content), BLOCK_BYTES):
            yield self.content[start : start + BLOCK_BYTES]

    def close(self) -> None:
        """Nothing is held."""
