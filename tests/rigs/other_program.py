"""Another program that has files of a share open, with rights and locks of its own."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from smbprotocol.connection import Connection
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from tests.rigs.samba import PASSWORD, USER, Samba

_ALL_SHARED = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE


class OtherProgram:
    """A client of the share `reports`."""

    def __init__(self, samba: Samba) -> None:
        self._connection = Connection(uuid.uuid4(), samba.address, samba.port)
        self._share = rf"\\{samba.address}\reports"
        self._tree: Any = None

    def __enter__(self) -> Self:
        self._connection.connect(timeout=60)
        session = Session(self._connection, USER, PASSWORD, require_encryption=False)
        session.connect()
        self._tree = TreeConnect(session, self._share)
        self._tree.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.disconnect()

    @contextlib.contextmanager
    def opened(
        self, name: str, rights: int, shared: int, options: int = CreateOptions.FILE_NON_DIRECTORY_FILE
    ) -> Iterator[Any]:
        """Have a file open, sharing so much of it."""
        opened = Open(self._tree, name)
        opened.create(
            ImpersonationLevel.Impersonation, rights, 0, shared, CreateDisposition.FILE_OPEN, options
        )
        try:
            yield opened
        finally:
            opened.close()

    def delete(self, name: str) -> None:
        """Delete a file."""
        options = CreateOptions.FILE_DELETE_ON_CLOSE | CreateOptions.FILE_NON_DIRECTORY_FILE
        with self.opened(name, DirectoryAccessMask.DELETE, _ALL_SHARED, options):
            pass
