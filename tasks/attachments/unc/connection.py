"""A connection of the SMB library that dials an address of ours and believes nothing that is not signed."""

from __future__ import annotations

import logging
from typing import Any, Final

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException
from smbprotocol.header import Commands, NtStatus

#: [MS-SMB2] 2.1: the length of a message has three bytes.
MESSAGE_MAXIMUM_BYTES: Final = 0xFF_FFFF
#: [MS-SMB2] 2.2.1: the message id of what a server sends unasked.
_UNASKED: Final = 0xFFFF_FFFF_FFFF_FFFF

# At INFO the library logs the account and every file, at DEBUG the sign-in itself; and what it reports as an
# error with a traceback reaches the caller as one. None of that belongs in a log.
for _name in ("smbprotocol", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class SignedConnection(Connection):  # type: ignore[misc]  # no type information is published
    """Holds the server to signing; the library alone takes an answer without a signature for good.

    Args:
        client_id: Of this process.
        host: The server's name, as the server is told it.
        address: Where it is dialled; a literal, so that no name is looked up without a time limit.
        port: The port.
    """

    def __init__(self, client_id: Any, host: str, address: str, port: int) -> None:
        super().__init__(client_id, address, port, require_signing=True)
        self._host = host

    def _send_smb2_negotiate(self, dialect: Any, _timeout: float, ciphers: Any, signatures: Any) -> Any:
        # From here on the name serves for what is said to the server, no longer for dialling. The library's
        # time-out counts in whole seconds and ends in an error like any other: the caller watches instead.
        self.server_name = self._host
        return super()._send_smb2_negotiate(dialect, None, ciphers, signatures)

    def _process_message_thread(self) -> None:
        # The library makes room for as much as a server announces, up to 4 GiB.
        receive = self.transport._recv  # noqa: SLF001

        def receive_within_reason(length: int, timeout: float) -> Any:
            if length > MESSAGE_MAXIMUM_BYTES:
                raise SMBException("a message is longer than SMB allows")
            return receive(length, timeout)

        self.transport._recv = receive_within_reason  # noqa: SLF001
        super()._process_message_thread()

    def verify_signature(self, header: Any, session_id: int, *, force: bool = False) -> None:
        """Check an answer that was not encrypted.

        Raises:
            SMBException: It is not signed by the server, or had to be encrypted.
        """
        session = self.session_table.get(session_id)
        is_exempt = (
            header["message_id"].get_value() == _UNASKED
            or header["status"].get_value() == NtStatus.STATUS_PENDING
            or header["command"].get_value() == Commands.SMB2_SESSION_SETUP
        )
        if session is not None and not is_exempt:
            if session.encrypt_data:
                raise SMBException("an answer had to be encrypted and is not")
            force = force or bool(session.signing_key)
        super().verify_signature(header, session_id, force=force)
