"""Files that fail, change or take their time, for what comes after a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from settings_store.snapshot import Snapshot
from tasks.attachments.content import Content
from tasks.attachments.source import AttachmentFault, OpenFile


@dataclass(eq=False)
class OddFile(Content):
    """A file in memory that fails after some blocks, or says another size than it has.

    Attributes:
        fails_with: Raised once so many bytes were given.
        after_bytes: How many those are.
        claimed_bytes: The size it says it has; None = the true one.
        on_read: Called before each block.
        closed: How often it was closed.
        read: How often it was read from its beginning.
    """

    name: str
    content: bytes = field(repr=False)
    fails_with: Exception | None = None
    after_bytes: int = 0
    claimed_bytes: int | None = None
    on_read: Callable[[], object] = lambda: None
    closed: int = 0
    read: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.content) if self.claimed_bytes is None else self.claimed_bytes

    def blocks(self) -> Iterator[bytes]:
        self.read += 1
        step = 64 * 1024
        for start in range(0, len(self.content), step):
            self.on_read()
            if self.fails_with is not None and start >= self.after_bytes:
                raise self.fails_with
            yield self.content[start : start + step]

    def close(self) -> None:
        self.closed += 1


@dataclass
class OddShare:
    """A share that gives what a test put there; a fault is raised, a callable asked.

    Attributes:
        files: By path.
        opened: Every path that was asked for.
        given: Every file that was given.
    """

    files: dict[str, OpenFile | AttachmentFault | Callable[[], OpenFile]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    given: list[OpenFile] = field(default_factory=list)

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        assert seconds > 0
        assert options.revision >= 0
        self.opened.append(path)
        found = self.files[path]
        if isinstance(found, AttachmentFault):
            raise found
        file = found() if callable(found) else found
        self.given.append(file)
        return file
