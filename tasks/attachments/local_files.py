"""Files on the worker's own machine: read as the worker's user, below the folders that an option allows.

A path is resolved once, held against the allowed folders, and then opened step by step from the folder down
without following any link: what is swapped for a link meanwhile is refused, never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from settings_store.folder_list import folders_of
from settings_store.snapshot import Snapshot
from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault, OpenFile

FOLDERS_OPTION: Final = "local_files.folders"

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
    """Opens files of this machine."""

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        """The file, if it is below an allowed folder both as written and once every link is resolved.

        Raises:
            AttachmentFault: It is elsewhere, or is no regular file, or cannot be read.
        """
        del seconds  # a local disk answers or the whole machine is in trouble
        folders = folders_of(options.text(FOLDERS_OPTION))
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
        with _faults():
            descriptor = _open_below(root, PurePosixPath(resolved).relative_to(root).parts)
        return _checked(PurePosixPath(path).name, descriptor)


class LocalFile:
    """A regular file, open."""

    def __init__(self, name: str, descriptor: int, size_bytes: int) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self._descriptor: int | None = descriptor

    def blocks(self) -> Iterator[bytes]:
        """Its first `size_bytes` bytes, however it grows meanwhile.

        Raises:
            AttachmentFault: It became shorter, or the disk has a fault.
        """
        position = 0
        while position < self.size_bytes:
            with _faults():
                block = os.pread(self._held(), min(BLOCK_BYTES, self.size_bytes - position), position)
            if not block:
                raise AttachmentFault(Fault.CHANGED, "it became shorter while it was read", is_passing=True)
            position += len(block)
            yield block

    def close(self) -> None:
        """Give it back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _held(self) -> int:
        if self._descriptor is None:
            raise ValueError("the file is closed")
        return self._descriptor


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


def _checked(name: str, descriptor: int) -> LocalFile:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise AttachmentFault(Fault.NOT_ALLOWED, "it is not a regular file")
    return LocalFile(name, descriptor, status.st_size)


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
