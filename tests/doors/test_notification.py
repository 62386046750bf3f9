"""Any document at the notification's door: a notification that can be delivered, or one clear refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.attachments.content import Content
from tasks.attachments.file_names import numbered
from tasks.entries import checked
from tasks.notification import (
    InlineAttachment,
    InvalidNotification,
    Notification,
    canonical_json,
    digest,
    envelope_recipients,
    load,
    parse,
)
from tasks.rendering import MailFile, render
from tasks.search_terms import terms_of
from tasks.text_message import compose_text
from tests.rigs.examples import examples
from tests.rigs.notifications import emails, texts
from tests.rigs.odd_values import json_values, odd_texts

HEADERS = {
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "auto-submitted", "x-notification-id",
    "x-auto-response-suppress", "x-priority", "importance", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in places(each, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A document as publishers write them, with something odd at some of its places, or a field more."""
    document: Any = draw(emails | texts)
    for _ in range(draw(st.integers(1, 3))):
        document = replaced(document, draw(st.sampled_from(places(document))), draw(odd_texts | json_values))
        if isinstance(document, dict) and draw(st.booleans()):
            document = {**document, draw(odd_texts): draw(json_values)}
    return document


def judged(document: Any) -> Notification | InvalidNotification:
    """What the door says; anything but these two fails the test."""
    try:
        return checked(document)
    except InvalidNotification as caught:
        refusal = caught
    for words in (refusal.field, refusal.fault, refusal.allowed):
        assert words
        assert words.isprintable()
    assert str(refusal) == f"{refusal.field} {refusal.fault}; allowed: {refusal.allowed}."
    assert refusal.__context__ is None
    return refusal


def deliverable(notification: Notification) -> None:
    """What a worker does with it, without a server."""
    stored = canonical_json(notification)
    assert load(stored) == notification
    assert digest(load(stored)) == digest(notification)
    assert 1 <= len(envelope_recipients(notification)) <= 1_000
    assert all(term.isprintable() for term in terms_of(notification))
    if notification.channel == "text":
        assert compose_text(notification, 42).text.startswith("ID=42 ")
    inline = [one for one in notification.attachments if isinstance(one, InlineAttachment)]
    names = numbered([one.name for one in inline])
    rendered = render(
        notification,
        notification_id="n-1",
        number=42,
        accepted_at=datetime(2026, 11, 23, tzinfo=UTC),
        sender="noreply@mycorp.com",
        recipient=envelope_recipients(notification)[0] if notification.channel == "text" else None,
        files=[MailFile(name, Content(name, one.content)) for name, one in zip(names, inline, strict=True)],
    )
    raw = b"".join(rendered.chunks())
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    found = message_from_bytes(raw, policy=policy.default)
    assert {name.lower() for name in found.keys()} <= HEADERS  # noqa: SIM118  # a message has several of a name
    assert len(found.keys()) == len({name.lower() for name in found.keys()})  # noqa: SIM118  # as above


@examples(60)
@given(document=json_values)
def test_any_json_is_judged_alike_as_text_as_bytes_and_as_a_mapping(document: Any) -> None:
    text = json.dumps(document)
    assert type(judged(text)) is type(judged(text.encode()))
    if isinstance(document, dict):
        judged(document)


@examples(80)
@given(document=spoilt())
def test_what_is_accepted_can_be_kept_and_rendered_whatever_is_in_it(document: Any) -> None:
    if isinstance(document, dict) and isinstance(found := judged(document), Notification):
        deliverable(found)
    if isinstance(found := judged(json.dumps(document)), Notification):
        deliverable(found)


@examples(60)
@given(start=st.binary(max_size=40), document=emails, cut=st.integers(0, 400))
def test_bytes_that_break_off_or_begin_with_rubbish_are_refused_as_such(
    start: bytes, document: dict[str, Any], cut: int
) -> None:
    whole = json.dumps(document).encode()
    judged(start + whole)
    judged(whole[:cut] + start)
    judged(start)


@pytest.mark.parametrize(
    "value",
    [b"x", {1, 2}, object(), datetime.now, 1j, ..., (), [b""], {1: 2}, {None: 1}],
    ids=lambda value: type(value).__name__,
)
def test_a_python_value_that_no_json_has_is_refused_by_its_field(value: Any) -> None:
    for field in ("to", "message", "context", "properties", "attachments", "expires", "strict"):
        document = {"version": 1, "channel": "email", "to": ["a@b"], "message": "m", field: value}
        found = judged(document)
        if isinstance(found, InvalidNotification):
            assert found.field.split("[")[0].split(".")[0] in {field, "notification"}
        else:
            deliverable(found)


def test_nothing_is_too_deep_or_too_large_to_be_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for document in (
        {"version": 1, "channel": "email", "to": deep, "message": "m"},
        {"version": 1, "channel": "email", "to": ["a@b"], "message": "m", "context": {"job": deep}},
        {"x" * 10_000_000: 1},
    ):
        assert isinstance(judged(document), InvalidNotification)
    loop: dict[str, Any] = {"version": 1, "channel": "email", "to": ["a@b"], "message": "m"}
    loop["context"] = loop
    assert isinstance(judged(loop), InvalidNotification)
    assert isinstance(judged('{"a":' * 200_000), InvalidNotification)
    assert parse({"version": 1, "channel": "email", "to": ["a@b"], "message": "m"}).to == ("a@b",)
