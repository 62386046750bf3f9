"""From a host's name to a connection that speaks SMB, within a time that is kept."""

from __future__ import annotations

import socket
import uuid
from typing import Final

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBConnectionClosed

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.steps import UNWATCHED, Step, Steps
from tasks.attachments.unc import status
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.connection import SignedConnection
from tasks.attachments.unc.watchdog import Watchdog
from tasks.transports.dialling import Address, resolve

#: The one port: a path that could name another would reach any service.
PORT: Final = 445
#: For the connection alone; a host that takes longer is down.
CONNECT_MAXIMUM_SECONDS: Final = 10.0


def connect(host: str, budget: Budget, watchdog: Watchdog, steps: Steps = UNWATCHED) -> Connection:
    """A connection to the first address of a host that takes one; nobody is signed in.

    Raises:
        AttachmentFault: There is none.
    """
    with budget.spending():
        fault = status.lost()
        with steps.step(Step.RESOLVE, host):
            addresses = _addresses(host, budget)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            seconds = min(budget.left_seconds, CONNECT_MAXIMUM_SECONDS) / left
            # An id of its own for each: a server joins connections under one id (multichannel), and Samba
            # 4.17 then leaves some that come at the same moment without an answer: 2 of 12 runs hung.
            connection = SignedConnection(uuid.uuid4(), host, str(address[1][0]), PORT)
            try:
                with steps.step(Step.CONNECT, str(address[1][0])):
                    _negotiate(connection, seconds, watchdog)
            except AttachmentFault as failure:
                fault = failure
            else:
                return connection
    raise fault


def _addresses(host: str, budget: Budget) -> list[Address]:
    try:
        return list(dict.fromkeys(resolve(host, PORT, min(budget.left_seconds, CONNECT_MAXIMUM_SECONDS))))
    except (socket.gaierror, UnicodeError):
        raise AttachmentFault(Fault.UNREACHABLE, f"the host {host} is unknown", is_passing=True) from None
    except TimeoutError:
        raise AttachmentFault(
            Fault.LATE, f"nobody said in time what address {host} has", is_passing=True
        ) from None


def _negotiate(connection: Connection, seconds: float, watchdog: Watchdog) -> None:
    """Dial, and agree on the dialect."""

    def drop() -> None:
        if connection.transport is not None:
            connection.transport.close()

    with watchdog.watching(seconds, drop) as watch:
        try:
            connection.connect(timeout=seconds)
        except Exception as error:  # noqa: BLE001  # a server may answer what breaks the library anywhere
            drop()
            raise _fault(error, is_late=watch.is_over) from None


def _fault(error: Exception, *, is_late: bool) -> AttachmentFault:
    cause = error.__cause__
    if is_late or isinstance(cause, TimeoutError):
        return AttachmentFault(Fault.LATE, "the host does not answer", is_passing=True)
    if isinstance(cause, ConnectionRefusedError):
        return AttachmentFault(Fault.UNREACHABLE, "the host shares no files: it refuses SMB", is_passing=True)
    if isinstance(cause, OSError):
        return AttachmentFault(Fault.UNREACHABLE, "the host cannot be reached", is_passing=True)
    if isinstance(error, SMBConnectionClosed):
        return status.lost()
    return AttachmentFault(Fault.BROKEN, "the host does not speak SMB 2 or 3")
