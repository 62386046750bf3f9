"""The mails that an inbox keeps: .eml files in a folder, the newest ones, and an index of them in memory."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from pathlib import Path

from workers.embedded.mail_headers import header
from workers.embedded.mail_view import view

KEPT_MAXIMUM_MAILS = 1000
KEPT_MAXIMUM_BYTES = 1024 * 1024 * 1024
MAIL_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{6}")
_TIME_FORMAT = "%Y%m%dT%H%M%S.%f"
#: Enough for every header that a list shows, also where a mail is read back from its file.
_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One line of the list.

    Attributes:
        id: Name of its file without `.eml`; sorts by time.
        inbox: The inbox that got it.
        received_at: When.
        sender: From, as the mail says.
        recipients: To, as the mail says; those of the envelope where it says nothing.
        subject: Decoded; where there is none, as in a text, the first line of what it says.
        size_bytes: Of the file.
    """

    id: str
    inbox: str
    received_at: datetime
    sender: str
    recipients: str
    subject: str
    size_bytes: int


class InboxStore:
    """Keeps mails of one inbox; the oldest go when there are too many or too much."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        maximum_mails: int = KEPT_MAXIMUM_MAILS,
        maximum_bytes: int = KEPT_MAXIMUM_BYTES,
    ) -> None:
        self.name = name
        self._folder = folder
        self._maximum_mails = maximum_mails
        self._maximum_bytes = maximum_bytes
        self._bytes = 0
        self._mails: dict[str, KeptMail] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.eml")):
            if MAIL_ID.fullmatch(path.stem):
                with path.open("rb") as file:
                    self._list(path.stem, file.read(_HEAD_BYTES), path.stat().st_size)
        self._drop_oldest()

    def __len__(self) -> int:
        return len(self._mails)

    def newest_first(self) -> list[KeptMail]:
        """Every mail kept."""
        return list(reversed(self._mails.values()))

    def find(self, mail_id: str) -> KeptMail | None:
        """The mail of this id; None where none is kept."""
        return self._mails.get(mail_id)

    def path(self, mail: KeptMail) -> Path:
        """Its file."""
        return self._folder / f"{mail.id}.eml"

    def keep(self, content: bytes, *, sender: str, recipients: Sequence[str]) -> KeptMail:
        """Keep a mail as it came, below the lines that a mail server adds at final delivery.

        The envelope goes into `Return-Path` (RFC 5321, 4.4) and `X-Envelope-To`, where blind copies show.

        Raises:
            OSError: It cannot be written.
        """
        now = datetime.now(UTC)
        mail_id = f"{now.strftime(_TIME_FORMAT)}Z-{secrets.token_hex(3)}"
        trace = (
            f"Return-Path: <{sender}>\r\n"
            f"X-Envelope-To: {', '.join(recipients)}\r\n"
            f"Received: by the {self.name} inbox; {format_datetime(now)}\r\n"
        )
        whole = trace.encode("utf-8", "surrogateescape") + content
        draft = self._folder / f".{mail_id}"
        draft.write_bytes(whole)
        draft.rename(self._folder / f"{mail_id}.eml")
        kept = self._list(mail_id, whole[:_HEAD_BYTES], len(whole))
        self._drop_oldest()
        return kept

    def _list(self, mail_id: str, head: bytes, size_bytes: int) -> KeptMail:
        headers: Message = BytesHeaderParser().parsebytes(head)
        mail = KeptMail(
            id=mail_id,
            inbox=self.name,
            received_at=datetime.strptime(mail_id.partition("Z")[0], _TIME_FORMAT).replace(tzinfo=UTC),
            sender=header(headers, "From") or header(headers, "Return-Path"),
            recipients=header(headers, "To") or header(headers, "X-Envelope-To"),
            subject=header(headers, "Subject") or view(head).text.strip().partition("\n")[0].strip(),
            size_bytes=size_bytes,
        )
        self._mails[mail_id] = mail
        self._bytes += size_bytes
        return mail

    def _drop_oldest(self) -> None:
        while len(self._mails) > self._maximum_mails or (
            self._bytes > self._maximum_bytes and len(self._mails) > 1
        ):
            oldest = self._mails.pop(next(iter(self._mails)))
            self._bytes -= oldest.size_bytes
            with contextlib.suppress(FileNotFoundError):
                self.path(oldest).unlink()
