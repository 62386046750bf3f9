from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.notification import Notification, parse
from tasks.tokens import INSERTED_MAX_CHARACTERS, Expanded, expand, unknown_tokens
from tests.rigs.notifications import any_text, email

KNOWN = parse(
    email(
        context={
            "schedule_date": "2026-11-23", "schedule": "Night", "job": "Pay", "job_number": 7,
            "machine": "m1",
            "trigger": "Job Failed", "status": "Failed",
        },
        properties={"Region": "EU", "job": "the property", "$JOB TERMINATION": "0008", "loop": "[[Region]]"},
    )
)  # fmt: skip


@pytest.mark.parametrize(
    "written, shown",
    [
        ("[[$JOB NAME]]", "Pay"),
        ("[[$job name]]", "Pay"),
        ("[[ $Schedule Name ]]", "Night"),
        ("[[$SCHEDULE DATE]]", "2026-11-23"),
        ("[[$MACHINE NAME]]", "m1"),
        ("[[$JOB STATUS]]", "Failed"),
        ("[[$NOTIFYID]]", "42"),
        ("[[$JOB TERMINATION]]", "0008"),
        ("[[REGION]]", "EU"),
        ("[[job_number]] [[trigger]]", "7 Job Failed"),
        ("[[job]]", "the property"),
        ("[[[region]]]", "[EU]"),
        ("a[[region]][[region]]b", "aEUEUb"),
        ("[[loop]]", "[[Region]]"),
    ],
)
def test_a_token_becomes_what_context_and_properties_say(written: str, shown: str) -> None:
    assert expand(written, KNOWN, 42) == Expanded(shown)


@pytest.mark.parametrize("name", ["nothing", "$JOB NAMES", "SI.$JOB NAME", "=1+1", " Mixed Case "])
def test_an_unknown_token_stays_and_is_reported_once(name: str) -> None:
    written = f"x [[{name}]] y [[{name}]]"
    assert expand(written, KNOWN, 42) == Expanded(written, (name.strip(),))


@pytest.mark.parametrize("written", ["[[]]", "[[a\nb]]", "[region]", "[[region]", "{{region}}", "$NOTIFYID"])
def test_what_is_no_token_is_text(written: str) -> None:
    assert expand(written, KNOWN, 42) == Expanded(written)


def test_a_field_that_the_context_does_not_know_is_unknown() -> None:
    assert expand("[[$JOB NAME]]", parse(email()), 1) == Expanded("[[$JOB NAME]]", ("$JOB NAME",))


def test_values_are_escaped_where_the_text_has_a_syntax_and_the_text_is_not() -> None:
    notification = parse(email(properties={"p": '<b>&"'}))
    assert expand("<i>[[p]]", notification, 1, escape=html.escape).text == "<i>&lt;b&gt;&amp;&quot;"


def test_a_short_text_cannot_grow_without_bound() -> None:
    notification = parse(email(properties={"p": "x" * 4_000}))
    result = expand("[[p]]" * 2_000, notification, 1)
    assert len(result.text) <= INSERTED_MAX_CHARACTERS + 5 * 2_000
    assert result.unknown == ("p",)


def _with(value: str) -> Notification:
    return parse(email(properties={"p": value}))


@given(any_text, any_text, st.sampled_from(["[[p]]", "[[$NOTIFYID]]", "[[job]]"]))
def test_values_are_put_in_as_they_are_in_one_pass(before: str, value: str, inner: str) -> None:
    before = before.replace("[", "(")
    assert expand(f"{before}[[P]]", _with(value + inner), 1).text == before + value + inner


@given(any_text)
def test_a_text_without_brackets_is_not_touched(written: str) -> None:
    written = written.replace("[", "(")
    assert expand(written, KNOWN, 1) == Expanded(written)


def test_unknown_names_of_subject_message_and_html_are_reported_once_each() -> None:
    notification = parse(
        {
            "version": 1,
            "channel": "email",
            "to": ["a@b.example"],
            "subject": "[[job]] [[nobody]]",
            "message": "[[nobody]] [[$NOTIFYID]]",
            "html": "<p>[[other]]</p>",
            "context": {"job": "j"},
        }
    )
    assert unknown_tokens(notification) == ("nobody", "other")
