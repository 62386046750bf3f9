"""Whether a file is declared as text, and in which charset: only where that is certain, never guessed."""

from __future__ import annotations

from typing import Final

from tasks.attachments.source import BLOCK_BYTES, OpenFile

#: Endings of the names of logs and other plain text; what has another ending is not looked into.
TEXT_ENDINGS: Final = frozenset({".log", ".txt", ".out", ".err", ".lst", ".csv", ".trc"})
#: A larger file is not read a second time for the sake of its type.
TEXT_MAX_BYTES: Final = BLOCK_BYTES


def charset_of(name: str, file: OpenFile) -> str:
    """`us-ascii` or `utf-8` where every byte of a log is that, else empty: then it is only bytes.

    Raises:
        AttachmentFault: It cannot be read.
    """
    ending = name[name.rfind(".") :].casefold() if "." in name else ""
    if ending not in TEXT_ENDINGS or not 0 < file.size_bytes <= TEXT_MAX_BYTES:
        return ""
    content = b"".join(file.blocks())
    if b"\0" in content:
        return ""
    if content.isascii():
        return "us-ascii"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "utf-8"
