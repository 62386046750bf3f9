"""What one pass leaves for the next; the ledger keeps it without looking inside."""

from __future__ import annotations

import msgspec
from msgspec import field

from tasks.attachments.memory import AttachmentMemory


class Unsure(msgspec.Struct, array_like=True, frozen=True):
    """That a server may have the message for a recipient.

    Attributes:
        server: Fingerprint of the server.
        at_ms: Since when.
    """

    server: str
    at_ms: int


class Memory(AttachmentMemory, omit_defaults=True):
    """What is known of files, and of servers by fingerprint: a changed option makes another server.

    Recipients are named by their place in the envelope.

    Attributes:
        refused: Recipients that a server refused for good.
        message_refused: Servers that refused the message itself for good.
        not_before_ms: When a server may be tried again, as it asked itself.
        recipient_not_before_ms: The same where it asked for one recipient, or for this message alone.
        throttled: How often a server asked for patience.
        unsure: Which server may have the message, by recipient.
        down_since_ms: Since when a server could not be reached, each time it was tried or was to be.
        barred: How it was last told that a server is left alone, so that the timeline tells it once.
        tries: How often all servers were tried, those counted that were known to be down.
        escalated: Whether the text that follows the e-mail was accepted.
    """

    refused: dict[str, list[int]] = field(default_factory=dict)
    message_refused: list[str] = field(default_factory=list)
    not_before_ms: dict[str, int] = field(default_factory=dict)
    recipient_not_before_ms: dict[str, dict[int, int]] = field(default_factory=dict)
    throttled: dict[str, int] = field(default_factory=dict)
    unsure: dict[int, Unsure] = field(default_factory=dict)
    down_since_ms: dict[str, int] = field(default_factory=dict)
    barred: dict[str, str] = field(default_factory=dict)
    tries: int = 0
    escalated: bool = False

    def refuse(self, fingerprint: str, index: int) -> None:
        """Keep that a server refused a recipient."""
        indexes = self.refused.setdefault(fingerprint, [])
        if index not in indexes:
            indexes.append(index)

    def refuse_message(self, fingerprint: str) -> None:
        """Keep that a server refused the message, whoever it is for."""
        if fingerprint not in self.message_refused:
            self.message_refused.append(fingerprint)

    def is_refused(self, fingerprint: str, index: int) -> bool:
        """Whether a server refused this recipient, or the message for everybody."""
        return fingerprint in self.message_refused or index in self.refused.get(fingerprint, ())

    def ask_patience(self, fingerprint: str, index: int, until_ms: int) -> None:
        """Keep that a server asked to be spared this recipient until then."""
        self.recipient_not_before_ms.setdefault(fingerprint, {})[index] = until_ms

    def patience_ms(self, fingerprint: str, index: int) -> int:
        """When a server may be tried for a recipient; 0 = at any time."""
        by_recipient = self.recipient_not_before_ms.get(fingerprint, {})
        return max(self.not_before_ms.get(fingerprint, 0), by_recipient.get(index, 0))


_decoder = msgspec.json.Decoder(Memory)


def read_memory(text: str) -> Memory:
    """What the pass before wrote; empty before the first."""
    return _decoder.decode(text) if text else Memory()


def write_memory(memory: Memory) -> str:
    """The memory as the ledger keeps it."""
    return msgspec.json.encode(memory).decode()
