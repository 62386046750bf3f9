"""Files that only their owner may read, replaced as a whole: a reader sees the old text or the new one."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY_MODE = 0o600


def write_private(path: Path, text: str) -> None:
    """Replace a file's text; it is never readable by others, not even for a moment.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_MODE)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - Path cannot open a descriptor
        os.fchmod(file.fileno(), OWNER_ONLY_MODE)
        file.write(text)
    draft.replace(path)
