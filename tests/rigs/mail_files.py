"""What a mail carries besides its text, and files on a share that a test makes up."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import Text
from tests.rigs.odd_files import OddFile, OddShare


def read(text: Text) -> EmailMessage:
    found = message_from_bytes(text.raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def files_of(text: Text) -> dict[str, bytes]:
    return {
        str(part.get_filename()): part.get_payload(decode=True)  # type: ignore[misc]
        for part in read(text).iter_attachments()
    }


def words_of(text: Text) -> str:
    part = read(text).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()


def put(share: OddShare, name: str, content: bytes = b"x") -> str:
    path = rf"\\srv\logs\{name}"
    share.files[path] = OddFile(name, content)
    return path


def accept(bench: Bench, *paths: str, **fields: object) -> None:
    bench.accept_email("a@x.test", attachments=[{"path": path} for path in paths], **fields)
