"""The end of a connection: our side is closed, and the server's is waited for."""

from __future__ import annotations

import socket
import time

from tasks.strands import wait_until_readable

_RECEIVE_BYTES = 16_384


def part(peer: socket.socket, seconds: float) -> bool:
    """Close our side of a connection, and wait for the server to close its own; whether that was seen.

    Until then the server may count it among those that it allows at once. What it still says is ignored, and
    TLS is not taken leave of: whoever waits for a text's end sees that it never came.

    Args:
        peer: The socket; the caller closes it afterwards.
        seconds: How long at the most; 0 waits for nothing.
    """
    if peer.fileno() < 0:
        # A handshake that failed has closed it already.
        return False
    deadline = time.monotonic() + seconds
    try:
        # Past what a TLS socket would do here.
        socket.socket.shutdown(peer, socket.SHUT_WR)
        peer.settimeout(0)
        while (remaining := deadline - time.monotonic()) > 0 and wait_until_readable(peer, remaining):
            try:
                if not socket.socket.recv(peer, _RECEIVE_BYTES):
                    return True
            except BlockingIOError:
                continue
    except OSError:
        # It was over before.
        return True
    return False
