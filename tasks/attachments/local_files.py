"""Files on the worker's own machine: read as the worker's user, below the folders that an option allows.

A path is resolved once, held against the allowed folders, and then opened step by step from the folder down
without following any link: what is swapped for a link meanwhile is refused, never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from settings_store.folder_list import folders_of
from settings_store.snapshot import Snapshot
from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault, OpenFile
from tasks.attachments.steps import UNWATCHED, Step, Steps

FOLDERS_OPTION: Final = "local_files.folders"
#: So many are held open by a process, for all of its mails; the usual limit of an operating system is 1,024.
HELD_MAXIMUM: Final = 256

_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a pipe without a writer would never open. What is opened is looked at before it is read.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_FAULTS: Final = {
    errno.ENOENT: (Fault.MISSING, "there is no such file on the worker's machine"),
    errno.ENOTDIR: (Fault.MISSING, "there is no such file on the worker's machine"),
    errno.EACCES: (Fault.DENIED, "the worker's user may not read it"),
    errno.EPERM: (Fault.DENIED, "the worker's user may not read it"),
    errno.ELOOP: (Fault.NOT_ALLOWED, "it became a link while it was opened"),
    errno.ENXIO: (Fault.NOT_ALLOWED, "it is not a regular file"),
    errno.ENAMETOOLONG: (Fault.MISSING, "its name is longer than a file's can be"),
}


class LocalFiles:
    """Opens files of this machine. One object a process; safe between threads.

    Args:
        held_maximum: How many are held open at most; what comes on top is opened again to be read.
        steps: Told of each step.
    """

    def __init__(self, *, held_maximum: int = HELD_MAXIMUM, steps: Steps = UNWATCHED) -> None:
        self._room = threading.BoundedSemaphore(held_maximum)
        self._steps = steps

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        """The file, if it is below an allowed folder both as written and once every link is resolved.

        Raises:
            AttachmentFault: It is elsewhere, or is no regular file, or cannot be read.
        """
        del seconds  # a local disk answers or the whole machine is in trouble
        with self._steps.step(Step.ALLOWED, path):
            root, inner = _allowed(path, folders_of(options.text(FOLDERS_OPTION)))
        with self._steps.step(Step.OPEN, path):
            descriptor, status = _opened(root, inner)
        opened = _Opened(root, inner, status)
        if self._room.acquire(blocking=False):
            return LocalFile(PurePosixPath(path).name, opened, descriptor, self._room.release)
        os.close(descriptor)
        return LocalFile(PurePosixPath(path).name, opened)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file as it was when it was opened.

    Attributes:
        root: An allowed folder.
        inner: The way down from it.
        status: What the system said of it.
    """

    root: str
    inner: Sequence[str]
    status: os.stat_result

    def again(self) -> int:
        """The same file, opened once more.

        Raises:
            AttachmentFault: It is gone, or another is in its place.
        """
        descriptor, status = _opened(self.root, self.inner)
        if not os.path.samestat(status, self.status):
            os.close(descriptor)
            raise AttachmentFault(
                Fault.CHANGED, "another file took its place before it was read", is_passing=True
            )
        return descriptor


class LocalFile:
    """A regular file: held open, or opened for each reading.

    Args:
        name: Without any folder.
        opened: What was opened.
        descriptor: What holds it open; None where nothing does.
        given_back: Called when it is held no longer.
    """

    def __init__(
        self,
        name: str,
        opened: _Opened,
        descriptor: int | None = None,
        given_back: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.size_bytes = opened.status.st_size
        self._opened = opened
        self._descriptor = descriptor
        self._given_back = given_back
        self._is_closed = False

    def blocks(self) -> Iterator[bytes]:
        """Its first `size_bytes` bytes, however it grows meanwhile.

        Raises:
            AttachmentFault: It became shorter, was replaced, or the disk has a fault.
        """
        position = 0
        with self._readable() as descriptor:
            while position < self.size_bytes:
                with _faults():
                    block = os.pread(descriptor, min(BLOCK_BYTES, self.size_bytes - position), position)
                if not block:
                    raise AttachmentFault(
                        Fault.CHANGED, "it became shorter while it was read", is_passing=True
                    )
                position += len(block)
                yield block
                self._insist_on_open()

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        descriptor, self._descriptor, self._is_closed = self._descriptor, None, True
        if descriptor is not None:
            os.close(descriptor)
            self._given_back()

    @contextlib.contextmanager
    def _readable(self) -> Iterator[int]:
        self._insist_on_open()
        if self._descriptor is not None:
            yield self._descriptor
            return
        descriptor = self._opened.again()
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _insist_on_open(self) -> None:
        # The number of a closed descriptor is soon another file's.
        if self._is_closed:
            raise ValueError("the file is closed")


def _allowed(path: str, folders: Sequence[str]) -> tuple[str, Sequence[str]]:
    """An allowed folder with its links resolved, and the way down from there."""
    parts = PurePosixPath(path).parts
    if not path.startswith("/") or ".." in parts or not _is_below(path, folders):
        raise _not_allowed(folders)
    with _faults():
        resolved = os.path.realpath(path)
        roots = [os.path.realpath(each) for each in folders]
    root = next((each for each in roots if _is_below(resolved, [each])), None)
    if root is None:
        raise AttachmentFault(
            Fault.NOT_ALLOWED, f"it is a link to a place that is not allowed (option {FOLDERS_OPTION})"
        )
    return root, PurePosixPath(resolved).relative_to(root).parts


def _is_below(path: str, folders: Sequence[str]) -> bool:
    """Whether a path without `..` is inside one of the folders, and not one of them itself."""
    place = PurePosixPath(path)
    return any(PurePosixPath(folder) in place.parents for folder in folders)


def _not_allowed(folders: Sequence[str]) -> AttachmentFault:
    if not folders:
        words = f"no local folder is allowed; to allow one: notify options set {FOLDERS_OPTION}=FOLDER"
    else:
        words = f"it is not below a folder that the option {FOLDERS_OPTION} allows"
    return AttachmentFault(Fault.NOT_ALLOWED, words)


def _open_below(root: str, parts: Sequence[str]) -> int:
    """Open a file by its way down from a folder, none of whose steps may be a link."""
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = deeper
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _opened(root: str, inner: Sequence[str]) -> tuple[int, os.stat_result]:
    """A regular file, open, and what the system says of it."""
    with _faults():
        descriptor = _open_below(root, inner)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise AttachmentFault(Fault.NOT_ALLOWED, "it is not a regular file")
    return descriptor, status


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turn the system's errors into ours; their own words quote paths."""
    try:
        yield
    except OSError as error:
        kind, words = _FAULTS.get(
            error.errno or 0, (Fault.BROKEN, f"the worker's machine cannot read it ({_symbol(error)})")
        )
        raise AttachmentFault(kind, words) from None


def _symbol(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "no error number")
