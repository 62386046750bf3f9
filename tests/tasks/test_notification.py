from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.notification import (
    FileAttachment,
    InlineAttachment,
    InvalidNotification,
    JobOutputAttachment,
    Notification,
    canonical_json,
    digest,
    envelope_recipients,
    load,
    parse,
    refuse_unsupported,
)
from tasks.notification_schema import json_schema
from tests.rigs.json_schema import is_valid
from tests.rigs.notifications import email, emails, text, texts

SCHEMA = json_schema()
documents = emails | texts
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
BY_SHAPE = ("is of JSON type", "has more than", "has fewer than", "is unknown", "is missing", "is not one of")


def parsed(document: Mapping[str, object]) -> Notification | InvalidNotification:
    try:
        return parse(document)
    except InvalidNotification as fault:
        return fault


def refusal(document: Mapping[str, object] | bytes | str) -> InvalidNotification:
    with pytest.raises(InvalidNotification) as caught:
        parse(document)
    return caught.value


def test_only_version_channel_to_and_message_are_required() -> None:
    notification = parse(b'{"version": 1, "channel": "email", "to": ["ops@example.com"], "message": "m"}')
    assert (notification.to, notification.message) == (("ops@example.com",), "m")
    assert (notification.priority, notification.long_text, notification.strict) == ("normal", "cut", False)


@pytest.mark.parametrize("field", ["version", "channel", "to", "message"])
def test_a_missing_required_field_is_named(field: str) -> None:
    document = {name: value for name, value in email().items() if name != field}
    assert (refusal(document).field, refusal(document).fault) == (field, "is missing")


def test_every_field_of_the_contract_is_read() -> None:
    document = {
        "version": 1, "id": "a-1", "key": "night run", "channel": "email", "to": ["a@b"], "cc": ["c@b"],
        "bcc": ["d@b"], "reply_to": ["e@b"], "subject": "s", "message": "m", "html": "<p>m</p>",
        "long_text": "refuse",
        "attachments": [
            {"path": "\\\\srv\\share\\f.log"}, {"job_output": 123},
            {"name": "f.txt", "content_base64": "YWJj"},
        ],
        "strict": True, "priority": "high", "not_before": "2026-01-01T00:00:00Z",
        "expires": "2026-01-01T02:00:00+01:00",
        "context": {
            "schedule_date": "2026-01-01", "schedule": "Night", "job": "Pay", "job_number": 7,
            "machine": "m1",
            "trigger": "Job Failed", "status": "Failed",
        },
        "properties": {"p": "v"}, "exclude_prefix": True, "escalate_text_to": ["f@b"],
    }  # fmt: skip
    notification = parse(json.dumps(document))
    assert notification.attachments == (
        FileAttachment("\\\\srv\\share\\f.log"),
        JobOutputAttachment(123),
        InlineAttachment("f.txt", b"abc"),
    )
    assert notification.expires == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert notification.context.job_number == "7"
    assert set(document) == set(SCHEMA["properties"])


def test_an_unknown_version_says_which_are_known() -> None:
    fault = refusal({**email(), "version": 2, "new_field_of_v2": []})
    assert (fault.field, fault.fault, fault.allowed) == ("version", "is not known to this release", "1")


@pytest.mark.parametrize(
    "document, field, fault",
    [
        (email(channel="fax"), "channel", "is not one of the known values"),
        (email(to=[]), "to", "is empty"),
        (email(to=" ; "), "to", "is empty"),
        (email(to=["a@b", "c@d", "e@f", "nobody"]), "to[3]", "has no domain"),
        (email(to=["a@b\r\nBcc: x@y"]), "to[0]", "has a control character"),
        (email(to="a@b,c@d"), "to[0]", "is not a mail address"),
        (email(cc=["Ops <a@b>"]), "cc[0]", "has a display name or angle brackets"),
        (email(reply_to=["@b"]), "reply_to[0]", "is not a mail address"),
        (email(subject="a\nBcc: x"), "subject", "has a control character"),
        (email(subject="a\u2028b"), "subject", "has a control character"),
        (email(subject="x" * 10_001), "subject", "has more than 10,000 characters"),
        (email(message="x" * 1_048_577), "message", "has more than 1,048,576 characters"),
        (email(html="x" * 1_048_577), "html", "has more than 1,048,576 characters"),
        (email(html=5), "html", "is of JSON type int"),
        (email(id="a..b"), "id", "has a character or form that is not allowed"),
        (email(id="a\n"), "id", "has a character or form that is not allowed"),
        (email(id=""), "id", "has fewer than 1 characters"),
        (email(id="x" * 65), "id", "has more than 64 characters"),
        (email(key="a\tb"), "key", "has a character that is not printable"),
        (email(key="x" * 201), "key", "has more than 200 characters"),
        (email(expires="tomorrow"), "expires", "is not an RFC 3339 time"),
        (email(expires="2026-01-01T00:00:00"), "expires", "has no offset from UTC"),
        (email(expires=1767225600), "expires", "is of JSON type int"),
        (email(not_before="0001-01-01T00:00:00+01:00"), "not_before", "is outside the years 1 to 9999"),
        (
            email(not_before="2026-01-01T01:00:00Z", expires="2026-01-01T02:00:00+01:00"),
            "expires",
            "is not later than not_before",
        ),
        (email(context={"phase": "moon"}), "context.phase", "is unknown"),
        (email(context={"job": "x" * 1_001}), "context.job", "has more than 1,000 characters"),
        (email(context={"job_number": 2**63}), "context.job_number", "is too large"),
        (email(properties={"p": 5}), "properties[...]", "is of JSON type int"),
        (email(properties={"": "v"}), "properties", "has a name that has fewer than 1 characters"),
        (email(properties={"p": "x" * 4_001}), "properties[...]", "has more than 4,000 characters"),
        (
            email(properties={str(n): "" for n in range(501)}),
            "properties",
            "has more than 500 entries",
        ),
        (email(attachments=[{"path": "x", "job_output": 1}]), "attachments[0]", "is none of the three forms"),
        (email(attachments=[{"name": "x"}]), "attachments[0]", "is none of the three forms"),
        (email(attachments=[{"url": "x"}]), "attachments[0].url", "is unknown"),
        (email(attachments=[{"path": "a\0b"}]), "attachments[0].path", "has a control character"),
        (email(attachments=[{"job_output": 0}]), "attachments[0].job_output", "is too small"),
        (
            email(attachments=[{"name": "x", "content_base64": "a"}]),
            "attachments[0].content_base64",
            "is not base64",
        ),
        (email(attachments=[{"path": "x"}] * 1_000), "attachments", "has more than 999 entries"),
        (email(to=[f"a{n}@b" for n in range(1_001)]), "to", "has more than 1,000 entries"),
        (email(reply_to=[f"a{n}@b" for n in range(101)]), "reply_to", "has more than 100 entries"),
        (
            email(to=[f"a{n}@b" for n in range(600)], cc=[f"c{n}@b" for n in range(600)]),
            "to",
            "has too many addresses",
        ),
        (email(message="\ud800"), "message", "is not valid Unicode"),
        (email(properties={"p": "\udfff"}), "properties", "is not valid Unicode"),
        (text(cc=["a@b"]), "cc", "is not for texts"),
        (text(bcc="a@b"), "bcc", "is not for texts"),
        (text(html="<p>"), "html", "is not for texts"),
        (text(subject="s"), "subject", "is not for texts"),
        (text(escalate_text_to=["a@b"]), "escalate_text_to", "is not for texts"),
        (text(attachments=[{"path": "x"}]), "attachments", "is not for texts"),
        (text(message=" \n"), "message", "is blank"),
        (b"[]", "notification", "is of JSON type array"),
        (b"", "notification", "is not JSON"),
        (b'{"version": 1', "notification", "is not JSON"),
        (b"\xff{}", "notification", "is not JSON"),
        (b'{"version": 1, "message": "\xff"}', "notification", "is not JSON"),
        ('{"version": 1, "message": "\ud800"}', "notification", "is not JSON"),
        (b"[" * 100_000, "notification", "is of JSON type array"),
        (b'{"version": 1, "context": ' + b"[" * 100_000, "context", "is of JSON type array"),
        (b'{"zzz": ' + b"[" * 100_000, "zzz", "is unknown"),
        (b" " * (16 * 1024 * 1024 + 1), "notification", "is longer than 16,777,216 bytes"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_by_field_and_fault(
    document: Mapping[str, object] | bytes | str, field: str, fault: str
) -> None:
    found = refusal(document)
    assert (found.field, found.fault) == (field, fault)
    assert found.allowed in str(found)
    assert str(found).startswith(f"{field} {fault}; allowed: ")


@pytest.mark.parametrize("name", ["a/b", "a\\b", "..", ".", " ", "a\rb", "a\x85b"])
def test_the_name_of_an_inline_file_holds_no_folder_and_no_control_character(name: str) -> None:
    found = refusal(email(attachments=[{"name": name, "content_base64": ""}]))
    assert found.field == "attachments[0].name"


def test_inline_files_are_limited_together() -> None:
    half = InlineAttachment("f", b"x" * (5 * 1024 * 1024))
    document = {"name": half.name, "content_base64": half.content}
    assert len(parse(email(attachments=[document, document])).attachments) == 2
    more = {"name": "g", "content_base64": b"y"}
    assert refusal(email(attachments=[document, document, more])).field == "attachments"


def test_lists_may_be_written_as_one_string_with_semicolons_and_in_texts_with_commas() -> None:
    assert parse(email(to="a@b; c@d;", bcc="e@f")).to == ("a@b", "c@d")
    assert parse(email(bcc="e@f ;g@h")).bcc == ("e@f", "g@h")
    assert parse(text(to="1@b, 2@b;3@b")).to == ("1@b", "2@b", "3@b")
    assert parse(email(escalate_text_to="1@b,2@b")).escalate_text_to == ("1@b", "2@b")


def test_repeated_addresses_are_merged_and_the_first_spelling_stays() -> None:
    notification = parse(email(to=["A@Example.com", "b@b", "A@example.COM", "a@example.com"]))
    assert notification.to == ("A@Example.com", "b@b", "a@example.com")


def test_recipients_are_counted_once_whichever_list_names_them() -> None:
    names = [f"a{number}@b" for number in range(1_000)]
    assert len(envelope_recipients(parse(email(to=names, cc=names, bcc=names[:5])))) == 1_000


def test_the_envelope_names_each_recipient_once_in_the_order_to_cc_bcc() -> None:
    notification = parse(email(to=["a@b", "c@d"], cc=["c@D", "e@f"], bcc=["g@h", "a@b"]))
    assert envelope_recipients(notification) == ("a@b", "c@d", "e@f", "g@h")


def test_the_lane_is_the_priority_unless_a_file_must_be_fetched() -> None:
    inline = {"name": "f", "content_base64": "YQ=="}
    assert parse(email(priority="low", attachments=[inline])).lane == "low"
    assert parse(email(priority="high", attachments=[inline, {"job_output": 5}])).lane == "files"
    assert parse(email(attachments=[{"path": "x"}])).lane == "files"


@pytest.mark.parametrize(
    "form, fault",
    [
        ({"path": r"C:\f"}, "is neither on a network share nor absolute"),
        ({"path": "f"}, "is neither on a network share nor absolute"),
        ({"path": r"\srv\share\f"}, "is neither on a network share nor absolute"),
        ({"path": r"\\srv\share\*.log"}, "has a wildcard (`*`) in a name"),
        ({"path": r"\\srv\share\..\f"}, "has the part `..`"),
        ({"path": r"\\.\C:\f"}, "names a device"),
        ({"path": r"\\srv\share"}, "names no file"),
    ],
)
def test_files_that_no_worker_can_fetch_are_refused_at_the_door(form: dict[str, object], fault: str) -> None:
    inline = {"name": "f", "content_base64": "YQ=="}
    refuse_unsupported(
        parse(email(attachments=[{"job_output": 5}, {"path": "/var/f"}, {"path": r"\\srv\s\f"}]))
    )
    with pytest.raises(InvalidNotification) as caught:
        refuse_unsupported(parse(email(attachments=[inline, form])))
    assert caught.value.field == f"attachments[1].{next(iter(form))}"
    assert caught.value.fault == fault


def test_the_digest_ignores_id_key_times_and_the_spelling_of_defaults() -> None:
    plain = parse(email(expires="2026-01-01T00:00:00Z", context={"job_number": 5}))
    spelled = parse(
        email(
            id="one", key="k", to="ops@example.com", cc=[], bcc="", subject="", html="", long_text="cut",
            attachments=[], strict=False, priority="normal", not_before=None, properties={},
            exclude_prefix=False,
            expires="2026-01-01T02:00:00+02:00", context={"job_number": "5", "job": None},
            escalate_text_to=[],
        )
    )  # fmt: skip
    assert digest(plain) == digest(spelled)
    assert digest(parse(email(expires="2026-01-01T00:00:00Z"))) == digest(parse(email()))
    assert digest(parse(email(not_before="2026-01-01T00:00:00Z"))) == digest(parse(email()))
    assert digest(parse(email(context={}))) == digest(parse(email()))
    assert digest(parse(email(properties={"a": "1", "b": "2"}))) == digest(
        parse(email(properties={"b": "2", "a": "1"}))
    )
    assert digest(parse(email(message="Job failed."))) != digest(parse(email()))


@given(documents)
def test_what_was_accepted_is_read_back_equal(document: dict[str, Any]) -> None:
    notification = parse(document)
    stored = canonical_json(notification)
    assert load(stored) == parse(stored) == parse(json.dumps(document)) == notification
    assert canonical_json(load(stored)) == stored
    assert digest(load(stored)) == digest(notification)


@given(documents)
def test_whatever_is_accepted_is_valid_by_the_schema(document: dict[str, Any]) -> None:
    parse(document)
    assert is_valid(document, SCHEMA)


@settings(max_examples=400)
@given(documents, st.sampled_from([*SCHEMA["properties"], "else"]), json_values, st.booleans())
def test_schema_and_parser_agree_on_names_types_and_sizes(
    document: dict[str, Any],
    field: str,
    value: Any,
    inside: bool,  # noqa: FBT001 -- drawn, not passed
) -> None:
    target = document
    if inside and field in SCHEMA["$defs"]["Context"]["properties"]:
        target = document.setdefault("context", {})
    target[field] = value
    result = parsed(document)
    if isinstance(result, Notification):
        assert is_valid(document, SCHEMA)
    elif result.fault.startswith(BY_SHAPE):
        assert not is_valid(document, SCHEMA)


@pytest.mark.parametrize("field", sorted(SCHEMA["properties"]))
def test_the_schema_describes_every_field_and_states_its_default(field: str) -> None:
    schema = SCHEMA["properties"][field]
    assert schema["description"]
    if field not in SCHEMA["required"]:
        assert digest(parse(email(**{field: schema["default"]}))) == digest(parse(email()))


def test_the_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["additionalProperties"] is False


@given(documents, st.sampled_from(sorted(SCHEMA["properties"])), json_values)
def test_no_refusal_quotes_what_was_refused(document: dict[str, Any], field: str, value: Any) -> None:
    secret = "Zq7Secret"
    broken = json.loads(json.dumps({**document, field: value}).replace('": "', f'": "{secret}\\n'))
    result = parsed(broken)
    assert secret not in str(result) + repr(result)
    if isinstance(result, InvalidNotification):
        assert result.__context__ is None
        assert "\n" not in str(result)


def test_an_unknown_field_is_named_only_where_its_name_looks_like_one() -> None:
    assert refusal(email(colour="red")).field == "colour"
    assert refusal({**email(), "ops@example.com": 1}).field == "notification"
    assert "ops@example.com" not in str(refusal({**email(), "ops@example.com": 1}))
    assert "Zq7" not in str(refusal({**email(), "x` - at `$.Zq7": 1}))
    assert "x`y" not in str(refusal({**email(), "x`y\n": 1}))


def test_no_shape_shows_its_content() -> None:
    attachments = [{"path": "Zq7"}, {"name": "Zq7", "content_base64": "WnE3"}]
    notification = parse(email(message="Zq7", subject="Zq7", to=["Zq7@b"], context={"job": "Zq7"}))
    assert "Zq7" not in repr(notification) + repr(notification.context)
    assert "Zq7" not in repr(parse(email(attachments=attachments)).attachments)


def test_a_refusal_survives_the_way_between_processes() -> None:
    fault = refusal(email(to=[]))
    copy = pickle.loads(pickle.dumps(fault))
    assert (copy.field, copy.fault, copy.allowed, str(copy)) == (
        fault.field,
        fault.fault,
        fault.allowed,
        str(fault),
    )
