"""From a server's name to a TCP connection, within a time that is kept."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Sequence

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
_Found = Sequence[Address] | OSError | UnicodeError


def resolve(host: str, port: int, seconds: float) -> Sequence[Address]:
    """The addresses of a host, best first.

    The system's resolver knows no time-out of ours, so it is asked in a thread that may be left behind.

    Raises:
        socket.gaierror: The name has no address.
        UnicodeError: The name cannot be asked for.
        TimeoutError: No answer in time.
    """
    answers: queue.SimpleQueue[_Found] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answers.put(error)
        else:
            answers.put([(family, address) for family, _, _, _, address in found])

    if _is_literal(host):
        ask()
    else:
        threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def dial(addresses: Sequence[Address], seconds: float) -> socket.socket:
    """A TCP connection to the first of the addresses that takes one.

    Args:
        addresses: What `resolve` found.
        seconds: For all of them together; a silent one leaves the next its share.

    Raises:
        OSError: None of them took a connection; the last failure.
    """
    deadline = time.monotonic() + seconds
    failure = OSError("no address")
    for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
        peer = socket.socket(family, socket.SOCK_STREAM)
        try:
            peer.settimeout(max((deadline - time.monotonic()) / left, 0.001))
            peer.connect(address)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            peer.close()
            failure = error
        else:
            acknowledge_at_once(peer)
            return peer
    raise failure


def acknowledge_at_once(peer: socket.socket) -> None:
    """Spare the next reply 40 ms: a server that waits for our acknowledgement gets it now (Linux only)."""
    if hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _is_literal(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False
