from __future__ import annotations

import base64
import html
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.attachments.content import Content
from tasks.attachments.file_names import numbered
from tasks.gsm7 import TextTooLong
from tasks.line_breaks import unified
from tasks.mail_content import compose_mail
from tasks.mime_bodies import Base64Body, base64_size_bytes
from tasks.mime_headers import attachment_disposition, unstructured
from tasks.notification import (
    InlineAttachment,
    InvalidNotification,
    envelope_recipients,
    parse,
)
from tasks.prefix import TextOptions
from tasks.rendering import MailFile
from tasks.text_message import compose_text, refuse_too_long
from tests.rigs.notifications import (
    LINE_ENDERS,
    any_text,
    email,
    emails,
    file_names,
    header_text,
    long_words,
    subjects,
    text,
    texts,
)
from tests.rigs.rendered import (
    ACCEPTED_AT,
    addressed,
    assert_clean_wire,
    body,
    last_line_end,
    read,
    rendered,
    wire,
)


@given(emails)
@example(email(message="a\0b\f\x1b[0m c\rd\x7f", html="\0"))
@example(email(message="x" * 999))
@example(email(message="x" * 998))
def test_every_accepted_mail_renders_and_reads_back_the_same(document: dict[str, Any]) -> None:
    notification = parse(document)
    message = rendered(document)
    assert_clean_wire(message)
    found = read(message)
    content = compose_mail(notification, 42, TextOptions(), ())
    assert found["Subject"] == content.subject
    assert body(found) == unified(content.text) + last_line_end(found)
    assert (content.html is None) == (found.get_body(("html",)) is None)
    if content.html is not None:
        assert body(found, "html") == unified(content.html)
    assert addressed(found, "To") == list(notification.to)
    assert addressed(found, "Cc") == list(notification.cc)
    assert addressed(found, "Reply-To") == list(notification.reply_to)
    assert found["Bcc"] is None
    assert message.recipients == envelope_recipients(notification)
    assert message.unknown_tokens == content.unknown_tokens
    files = [one for one in notification.attachments if isinstance(one, InlineAttachment)]
    parts = list(found.iter_attachments())
    assert [part.get_content() for part in parts] == [one.content for one in files]
    names = [part["Content-Disposition"].params["filename"] for part in parts]
    assert names == numbered([one.name for one in files])


@given(texts)
def test_every_accepted_text_renders_and_reads_back_the_same(document: dict[str, Any]) -> None:
    notification = parse(document)
    try:
        refuse_too_long(notification)
    except InvalidNotification:
        return
    for recipient in envelope_recipients(notification):
        message = rendered(document, recipient=recipient)
        assert_clean_wire(message)
        found = read(message)
        expected = compose_text(notification, 42)
        assert body(found) == expected.text + last_line_end(found)
        assert addressed(found, "To") == [recipient]
        assert message.recipients == (recipient,)
        assert message.unknown_tokens == expected.unknown
        assert found.get_content_type() == "text/plain"
        assert "Subject" not in found
        if expected.text.isascii():
            assert found["Content-Transfer-Encoding"] == "7bit"


@given(emails)
def test_rendering_twice_is_the_same_to_the_byte(document: dict[str, Any]) -> None:
    assert wire(rendered(document)) == wire(rendered(document))


def test_another_process_renders_the_same_bytes() -> None:
    document = email(
        subject="Ünï", html="<p>x", cc=["a@b"], properties={"b": "1", "a": "2"},
        attachments=[{"name": "ü.bin", "content_base64": "YWJj"}],
    )  # fmt: skip
    program = (
        "import sys, datetime; from tasks.notification import parse\n"
        "from tasks.rendering import MailFile, render\n"
        "from tasks.attachments.content import Content\n"
        "files = [MailFile('ü.bin', Content('ü.bin', b'abc'))]\n"
        f"m = render(parse({document!r}), notification_id='n-1', number=42, sender='noreply@mycorp.com', "
        f"accepted_at=datetime.datetime.fromisoformat({ACCEPTED_AT.isoformat()!r}), files=files)\n"
        "sys.stdout.buffer.write(b''.join(m.chunks()))"
    )
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, env={"PYTHONHASHSEED": seed}
        )
        assert other.stdout == wire(rendered(document))


def test_the_headers_tell_machines_what_this_is() -> None:
    found = read(
        rendered(email(context={"trigger": "Job Failed"}), options=TextOptions(installation_name="prod.eu"))
    )
    assert found["Subject"] == "OpCon Notification: Job Failed"
    assert found["Message-ID"] == "<n-1@prod.eu>"
    assert found["Date"] == "Mon, 23 Nov 2026 09:00:05 +0000"
    assert found["X-Notification-ID"] == "n-1"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["X-Auto-Response-Suppress"] == "All"
    assert found["From"] == "noreply@mycorp.com"


@pytest.mark.parametrize(
    "priority, number, importance", [("high", "1", "high"), ("normal", None, None), ("low", "5", "low")]
)
def test_priority_shows_in_the_mail(priority: str, number: str | None, importance: str | None) -> None:
    found = read(rendered(email(priority=priority)))
    assert (found["X-Priority"], found["Importance"]) == (number, importance)


def test_number_and_prefix_stand_first_in_text_and_html_with_values_escaped() -> None:
    page = "<html><head></head><Body bgcolor='red'>Hi [[job]]</body></html>"
    found = read(rendered(email(html=page, message="m [[job]]", context={"job": "A&B <x>"})))
    assert body(found) == "ID=42 Sched/Job Info=A&B <x> | Message=m A&B <x>"
    assert body(found, "html") == (
        "<html><head></head><Body bgcolor='red'><div>ID=42 Sched/Job Info=A&amp;B &lt;x&gt;</div>\n"
        "Hi A&amp;B &lt;x&gt;</body></html>"
    )
    assert body(read(rendered(email(html="<p>x"))), "html") == "<div>ID=42</div>\n<p>x"


def test_lines_about_files_stand_last_in_text_and_html() -> None:
    lines = ["Attachment not sent: b<.txt: over the limit", "Attachment a.txt: is cut\r\nX-Header: 1"]
    shown = [lines[0], "Attachment a.txt: is cut X-Header: 1"]
    found = read(rendered(email(html="<body>x</body>"), lines=lines))
    assert body(found) == "ID=42 Job failed\n\n" + "\n".join(shown)
    after = "".join(f"<p>{html.escape(line)}</p>\n" for line in shown)
    assert body(found, "html") == f"<body><div>ID=42</div>\nx{after}</body>"


def test_a_text_file_declares_its_charset_and_any_other_is_bytes() -> None:
    files = [
        MailFile("a.log", Content("a.log", "grün\n".encode()), "utf-8"),
        MailFile("b.log", Content("b.log", b"\xff\n")),
    ]
    first, second = read(rendered(email(), files=files)).iter_attachments()
    assert (first["Content-Type"], first.get_content()) == ('text/plain; charset="utf-8"', "grün\n")
    assert (second["Content-Type"], second.get_content()) == ("application/octet-stream", b"\xff\n")


@given(st.lists(st.tuples(file_names, st.integers(0, 200)), min_size=1, max_size=4))
def test_a_part_adds_as_many_bytes_as_it_says(given_files: list[tuple[str, int]]) -> None:
    files = [MailFile(name, Content(name, bytes(size))) for name, size in given_files]
    one_more = MailFile("x.bin", Content("x.bin", b"abc"))
    smaller = rendered(email(), files=files).size_bytes
    assert rendered(email(), files=[*files, one_more]).size_bytes == smaller + one_more.part_bytes


def test_a_subject_that_tokens_make_too_long_is_cut() -> None:
    found = read(rendered(email(subject="[[p]]" * 20, properties={"p": "ab\r\nc " * 500})))
    assert len(found["Subject"]) <= 10_000
    assert found["Subject"].endswith("...")
    assert not set(found["Subject"]) & set(LINE_ENDERS)


@pytest.mark.parametrize(
    "sender, header, smtputf8",
    [
        ("noreply", b"noreply", False),
        ("noreply@mycorp.com", b"noreply@mycorp.com", False),
        ("Night Desk <ops@mycorp.com>", b"Night Desk <ops@mycorp.com>", False),
        ("ops@bücher.de", b"ops@xn--bcher-kva.de", False),
        ("jürgen@mycorp.com", "jürgen@mycorp.com".encode(), True),
        ("Jürgen <ops@mycorp.com>", b"=?utf-8?b?SsO8cmdlbg==?=\r\n <ops@mycorp.com>", False),
        ("ops@x\r\nBcc: a@b", b"ops@x Bcc: a@b", False),
    ],
)
def test_the_sender_is_shown_as_the_option_holds_it_and_ends_no_line(
    sender: str,
    header: bytes,
    smtputf8: bool,  # noqa: FBT001 -- a table
) -> None:
    message = rendered(email(), sender=sender)
    assert wire(message).startswith(b"From: " + header + b"\r\nTo: ")
    assert message.smtputf8 is smtputf8


@given(any_text | long_words | st.just("é" * 4_000))
def test_no_sender_breaks_a_message(sender: str) -> None:
    assert_clean_wire(rendered(email(), sender=sender))


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_a_mailbox_in_another_script_asks_for_smtputf8(field: str) -> None:
    assert rendered(email(**{field: ["jürgen@example.com"]})).smtputf8
    assert not rendered(email(**{field: ["ops@bücher.example"]})).smtputf8


@given(header_text | subjects | long_words | st.text("abc ", max_size=400))
@example("=?utf-8?q?not_an_encoded_word?=")
@example("x" * 79 + "  " + "y" * 900)
@example("a" + " " * 200 + "b")
def test_a_subject_reads_back_exactly_and_its_lines_are_short(subject: str) -> None:
    header = unstructured("Subject", subject)
    found = message_from_bytes(header + b"\r\n", policy=policy.default)
    assert found["Subject"] == subject.strip(" ")
    assert all(line.strip() for line in header.removesuffix(b"\r\n").split(b"\r\n"))
    if not any(len(word) > 68 for word in subject.split()) and "  " not in subject:
        assert max(map(len, header.split(b"\r\n"))) <= 78


@given(file_names)
@example("a" * 255)
@example("\U0001f600" * 255)
@example('quote".txt')
def test_a_file_name_reads_back_exactly(name: str) -> None:
    header = attachment_disposition(name)
    assert max(map(len, header.split(b"\r\n"))) <= 100
    found = message_from_bytes(header + b"\r\n", policy=policy.default)
    assert found["Content-Disposition"].params["filename"] == name


class InPieces(Content):
    """A file whose source gives it in pieces of odd sizes."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__("f", b"".join(pieces))
        self.pieces = pieces

    def blocks(self) -> Iterator[bytes]:
        yield from self.pieces


pieces = st.lists(st.binary(max_size=200) | st.integers(57 * 1024 - 2, 57 * 1024 + 2).map(bytes), max_size=4)


@given(pieces)
def test_a_file_is_streamed_as_base64_lines_however_its_source_cuts_it(pieces: list[bytes]) -> None:
    file = InPieces(pieces)
    chunks = list(Base64Body(file).chunks())
    raw = b"".join(chunks)
    assert raw.replace(b"\r\n", b"\n") == base64.encodebytes(file.content)
    assert all(chunk.endswith(b"\r\n") for chunk in chunks)
    assert len(raw) == base64_size_bytes(len(file.content)) == Base64Body(file).size_bytes


def test_a_large_file_is_never_whole_in_memory_as_sent() -> None:
    content = base64.b64encode(bytes(9 * 1024 * 1024)).decode()
    message = rendered(email(attachments=[{"name": "f.bin", "content_base64": content}]))
    tracemalloc.start()
    sent = sum(len(chunk) for chunk in message.chunks())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent == message.size_bytes > 12 * 1024 * 1024
    assert peak_bytes < 3 * 1024 * 1024


def test_no_text_can_pretend_to_be_a_boundary() -> None:
    document = email(html="<p>x", attachments=[{"name": "f", "content_base64": "YQ=="}])
    boundaries = re.findall(rb'boundary="([^"]+)"', wire(rendered(document)))
    assert len(set(boundaries)) == 2
    for boundary in boundaries:
        attack = f"x\r\n--{boundary.decode()}\r\nContent-Type: text/html\r\n\r\n<script>"
        found = read(rendered({**document, "message": attack}))
        assert len(list(found.walk())) == 5
        assert body(found) == "ID=42 " + unified(attack)


def test_a_text_has_no_subject_no_prefix_and_one_recipient() -> None:
    document = text(to=["1@sms.example", "2@sms.example"], context={"job": "Pay", "trigger": "Job Failed"})
    message = rendered(document, recipient="2@sms.example")
    head, _, content = wire(message).partition(b"\r\n\r\n")
    assert b"\r\nSubject" not in head
    assert b"\r\nTo: 2@sms.example\r\n" in head
    assert content == b"ID=42 Job failed\r\n"


def test_a_readable_text_with_an_equals_sign_stays_readable_where_it_is_the_only_part() -> None:
    assert wire(rendered(text(message="a=_b"), recipient="1@b")).endswith(b"7bit\r\n\r\nID=42 a=_b\r\n")


def test_a_text_needs_its_recipient_and_a_date_needs_its_offset() -> None:
    with pytest.raises(ValueError, match="one recipient"):
        rendered(text())
    with pytest.raises(ValueError, match="offset"):
        rendered(email(), accepted_at=datetime(2026, 1, 1))  # noqa: DTZ001 -- the fault under test
    with pytest.raises(TextTooLong):
        rendered(text(message="x" * 200, long_text="refuse"), recipient="1@b")


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_id_and_no_installation_name_breaks_a_header(identifier: str, installation: str) -> None:
    options = TextOptions(installation_name=installation)
    message = rendered(email(), notification_id=identifier, options=options)
    assert_clean_wire(message)
    assert re.fullmatch(r"<[A-Za-z0-9._-]*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*>", read(message)["Message-ID"])


def test_a_rendered_message_shows_no_content() -> None:
    shown = repr(rendered(email(message="Zq7 [[Zq7]]", subject="Zq7", to=["Zq7@b"])))
    assert "Zq7" not in shown


def test_the_date_is_the_same_whatever_the_zone_of_the_worker() -> None:
    assert wire(rendered(email())) == wire(rendered(email(), accepted_at=ACCEPTED_AT.astimezone(UTC)))


def test_a_page_of_unfinished_tags_costs_no_more_than_its_length() -> None:
    page = "<body " * 170_000 + "</body" * 1_000
    assert body(read(rendered(email(html=page))), "html") == f"<div>ID=42</div>\n{page}"
