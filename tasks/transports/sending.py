"""The text after 354: streamed in blocks, and from its last block on never again "surely not delivered"."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from tasks.transports.body import encoded_blocks
from tasks.transports.client import Client
from tasks.transports.failure import GarbledReply
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply


def nobody_follows() -> None:
    """What is done where no other message may follow at once."""


def send_text(
    client: Client, chunks: Iterable[bytes], *, written: Callable[[], None] = nobody_follows
) -> Reply:
    """Stream the text, end it with the dot, and wait for the server's word.

    Args:
        client: In a transaction with recipients.
        chunks: The text.
        written: Called when the end of it is handed over; the commands for another message may follow.

    Raises:
        TransportFailure: In phase body: the end was not sent. In phase final: it was, or may have been. The
            connection is closed.
        Exception: What the chunks raised, unchanged; the end was not sent and the connection is closed.
    """
    try:
        client.phase = Phase.BODY
        for block, last in encoded_blocks(chunks):
            _listen(client)
            _send_block(client, block, Phase.FINAL if last else Phase.BODY)
        written()
        reply = client.answer(Phase.FINAL, client.timeouts.final_seconds)
        client.check(holds=reply.accepts)
    except BaseException:
        client.close()
        raise
    return reply


def _listen(client: Client) -> None:
    """Notice a server that gave up on the text before the end of it is sent: then it was not delivered."""
    if client.peer_spoke():
        client.answer(Phase.BODY)
        raise client.failure()


def _send_block(client: Client, block: bytes, phase: Phase) -> None:
    with client.step(phase):
        try:
            client.send(block, client.timeouts.block_seconds)
        except OSError:
            _hear_last_words(client)
            raise


def _hear_last_words(client: Client) -> None:
    """Raise by the refusal that a server sent before it hung up: it settles what silence would leave open."""
    with contextlib.suppress(OSError, GarbledReply):
        if client.peer_spoke():
            client.getreply(client.timeouts.quit_seconds)
            client.check(holds=client.last_reply.accepts)
