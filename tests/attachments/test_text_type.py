from __future__ import annotations

import pytest

from tasks.attachments.content import Content
from tasks.attachments.text_type import TEXT_MAX_BYTES, charset_of


@pytest.mark.parametrize(
    "name, content, charset",
    [
        ("f.log", b"plain\r\n", "us-ascii"),
        ("F.LOG", "grün".encode(), "utf-8"),
        ("f.txt", "grün".encode("latin-1"), ""),
        ("f.txt", "grün".encode("utf-16"), ""),
        ("f.log", "grün".encode()[:-2] + b"\xc3", ""),
        ("f.log", b"a\0b", ""),
        ("f.log", b"", ""),
        ("f.exe", b"plain", ""),
        ("log", b"plain", ""),
        ("f.html", b"<p>", ""),
        (".log", b"plain", "us-ascii"),
        ("f.log", b"x" * TEXT_MAX_BYTES, "us-ascii"),
        ("f.log", b"x" * (TEXT_MAX_BYTES + 1), ""),
    ],
)
def test_only_a_log_whose_every_byte_fits_is_declared_as_text(
    name: str, content: bytes, charset: str
) -> None:
    assert charset_of(name, Content(name, content)) == charset
