"""One account signed in to one server: the only place where the SMB library is called.

A session does one thing at a time and each within a budget, at whose end the connection is closed under it;
the library would wait for ever. Whatever it raises comes out as a fault in words.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from smbprotocol import MAX_PAYLOAD_SIZE
from smbprotocol.connection import Connection
from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBLinkRedirectionError,
    SMBResponseException,
)
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.steps import UNWATCHED, Step, Steps
from tasks.attachments.unc import status
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.referral import may_be_referred, targets_of
from tasks.attachments.unc.share_path import SharePath
from tasks.attachments.unc.watchdog import Watchdog

#: For saying good-bye; a server that takes longer is left without.
CLOSING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Handle:
    """A file that is open at the server.

    Attributes:
        opened: The library's own.
        size_bytes: The size at opening.
    """

    opened: Any
    size_bytes: int


class SmbSession:
    """A signed-in connection.

    Args:
        connection: Connected, and at nobody else's disposal.
        host: The server, as paths name it.
        watchdog: Ends what takes too long.
        steps: Told of each step.
    """

    def __init__(
        self, connection: Connection, host: str, watchdog: Watchdog, steps: Steps = UNWATCHED
    ) -> None:
        self.host = host
        self._connection = connection
        self._watchdog = watchdog
        self._steps = steps
        self._turn = threading.Lock()
        self._session: Any = None
        self._trees: dict[str, Any] = {}

    @property
    def is_alive(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        transport = self._connection.transport
        return bool(transport is not None and transport.connected)

    def sign_in(self, user: str, password: str, budget: Budget, *, must_encrypt: bool) -> None:
        """Sign in.

        Raises:
            SignInRefused: The server does not take the account.
            AttachmentFault: Anything else.
        """
        session = Session(self._connection, user, password, require_encryption=must_encrypt)
        with self._asking(budget, status.of_sign_in):
            try:
                session.connect()
            except (SMBConnectionClosed, SMBResponseException):
                raise
            except SMBAuthenticationError:
                raise AttachmentFault(Fault.DENIED, "the server and NTLM found no way to sign in") from None
            except SMBException:
                raise _unfit(self._connection, session, must_encrypt=must_encrypt) from None
        session.password = None
        self._session = session

    def find(self, path: SharePath, budget: Budget) -> Handle | tuple[SharePath, ...]:
        """Open a file, or say where DFS has it.

        Raises:
            AttachmentFault: It cannot be opened.
        """
        with self._steps.step(Step.SHARE, path.root), self._asking(budget, status.of_share):
            try:
                tree = self._tree(path.root)
            except SMBResponseException as error:
                return self._referred(error, path, in_dfs=True)
        with self._steps.step(Step.OPEN, str(path)), self._asking(budget, status.of_file):
            try:
                return _open(tree, path)
            except SMBResponseException as error:
                return self._referred(error, path, in_dfs=bool(tree.is_dfs_share))

    def read(self, handle: Handle, offset: int, length: int, budget: Budget) -> bytes:
        """At most so many bytes from there; nothing at the end of the file.

        Raises:
            AttachmentFault: It cannot be read.
        """
        opened, connection = handle.opened, self._connection
        with self._asking(budget, status.of_file):
            window = connection.sequence_window
            credit = window["high"] - window["low"]
            length = min(length, connection.max_read_size, max(credit, 1) * MAX_PAYLOAD_SIZE)
            message, received = opened.read(offset, length, send=False)
            request = connection.send(
                message,
                sid=opened.tree_connect.session.session_id,
                tid=opened.tree_connect.tree_connect_id,
                credit_request=max(64 - credit, 0) + length // MAX_PAYLOAD_SIZE + 1,
            )
            return bytes(received(request))

    def release(self, handle: Handle) -> None:
        """Close a file; where the server does not answer, the connection with it."""
        if self.is_alive:
            with contextlib.suppress(AttachmentFault), self._asking(Budget(CLOSING_SECONDS), status.of_file):
                handle.opened.close()

    def close(self) -> None:
        """Sign off and close."""
        if self.is_alive and self._session is not None:
            with contextlib.suppress(AttachmentFault), self._asking(Budget(CLOSING_SECONDS), status.of_file):
                self._session.disconnect()
        self.drop()

    def drop(self) -> None:
        """Close the connection as it is, whoever waits for it."""
        if self._connection.transport is not None:
            self._connection.transport.close()

    def _tree(self, share: str) -> Any:
        tree = self._trees.get(share.lower())
        if tree is None:
            tree = TreeConnect(self._session, share)
            tree.connect()
            self._trees[share.lower()] = tree
        return tree

    def _referred(
        self, error: SMBResponseException, path: SharePath, *, in_dfs: bool
    ) -> tuple[SharePath, ...]:
        """Where DFS has a path that this server has not; its own answer is raised where it knows none."""
        if not in_dfs or not may_be_referred(error.status, self._connection):
            raise error
        try:
            targets = targets_of(self._tree(rf"\\{path.host}\IPC$"), path)
        except SMBResponseException:
            raise error from None
        if not targets:
            raise error
        return targets

    @contextlib.contextmanager
    def _asking(self, budget: Budget, meaning: Callable[[int], AttachmentFault]) -> Iterator[None]:
        """Call the library inside: in turn, within the budget, and with every failure put into words."""
        with budget.spending():
            if not self._turn.acquire(timeout=budget.left_seconds):
                raise status.late()
            try:
                with self._watchdog.watching(budget.left_seconds, self.drop) as watch:
                    try:
                        yield
                    except AttachmentFault:
                        raise
                    except SMBResponseException as error:
                        if error.status in status.SESSION_ENDED:
                            self.drop()
                        raise meaning(error.status) from None
                    except Exception as error:  # noqa: BLE001  # an answer may break the library anywhere
                        self.drop()
                        raise _fault_of(error, is_late=watch.is_over) from None
                    except BaseException:
                        self.drop()
                        raise
            finally:
                self._turn.release()


def _open(tree: Any, path: SharePath) -> Handle:
    """Open for reading, leaving everybody else every right: a job may go on writing its log."""
    opened = Open(tree, str(path)[2:] if tree.is_dfs_share else path.inner)
    opened.create(
        ImpersonationLevel.Impersonation,
        FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
        0,
        ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE,
        CreateDisposition.FILE_OPEN,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
    )
    return Handle(opened, int(opened.end_of_file))


def _fault_of(error: Exception, *, is_late: bool) -> AttachmentFault:
    if is_late:
        return status.late()
    if isinstance(error, SMBConnectionClosed | OSError):
        return status.lost()
    if isinstance(error, SMBLinkRedirectionError):
        return AttachmentFault(Fault.NOT_ALLOWED, "it is a link out of its share, which is not followed")
    return AttachmentFault(
        Fault.BROKEN, "the server answered what SMB does not allow, or without the signature it must have"
    )


def _unfit(connection: Connection, session: Session, *, must_encrypt: bool) -> AttachmentFault:
    """Why a sign-in that the server took is not good enough."""
    if session.session_id is None:
        return status.SignInRefused(
            "the server took the account for a guest, which can neither sign nor encrypt"
        )
    if must_encrypt and not connection.supports_encryption:
        return AttachmentFault(
            Fault.DENIED, "the server does not encrypt, which unc.require_encryption asks for"
        )
    return AttachmentFault(Fault.BROKEN, "the server does not sign what it answers")
