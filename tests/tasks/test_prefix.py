from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tasks.notification import parse
from tasks.prefix import TextOptions, before_message, lead, number_first
from tests.rigs.notifications import LINE_ENDERS, contexts, email

CONTEXT = {
    "schedule_date": "2026-11-23",
    "schedule": "TestSched",
    "job": "Conversion",
    "job_number": 12345,
    "machine": "machine01",
    "trigger": "Job Failed",
    "status": "Failed",
}
FULL = parse(email(context=CONTEXT))


def test_the_prefix_has_the_shape_of_opcon() -> None:
    assert number_first(11355) + before_message(FULL, TextOptions()) + "The conversion failed." == (
        "ID=11355 Event Trigger=Job Failed | Status=Failed | Schedule Date=2026-11-23 | "
        "Sched/Job Info=TestSched:Conversion:12345 | Machine Name=machine01 | Message=The conversion failed."
    )
    licence = parse(email(context={"trigger": "OpCon/xps Event"}))
    shown = number_first(11355) + before_message(licence, TextOptions()) + "text"
    assert shown == "ID=11355 Event Trigger=OpCon/xps Event | Message=text"


@pytest.mark.parametrize(
    "options, shown",
    [
        (TextOptions(labels=False), "Job Failed | Failed | 2026-11-23 | S:C:12345 | machine01 | "),
        (TextOptions(labels=False, machine_name=False), "Job Failed | Failed | 2026-11-23 | S:C:12345 | "),
        (
            TextOptions(labels=False, job_number=False),
            "Job Failed | Failed | 2026-11-23 | S:C | machine01 | ",
        ),
        (
            TextOptions(labels=False, delimiter="~"),
            "Job Failed ~ Failed ~ 2026-11-23 ~ S:C:12345 ~ machine01 ~ ",
        ),
    ],
)
def test_options_shape_the_prefix(options: TextOptions, shown: str) -> None:
    notification = parse(email(context={**CONTEXT, "schedule": "S", "job": "C"}))
    assert before_message(notification, options) == shown


@pytest.mark.parametrize(
    "document",
    [
        email(),
        email(context=CONTEXT, exclude_prefix=True),
        email(context={"job": "\n", "machine": ""}),
    ],
)
def test_without_anything_to_say_there_is_no_prefix(document: dict[str, Any]) -> None:
    assert before_message(parse(document), TextOptions()) == ""
    assert lead(parse(document), TextOptions()) == ""


def test_the_lead_is_the_prefix_without_the_message() -> None:
    assert lead(parse(email(context={"job": "Pay", "machine": "m"})), TextOptions()) == (
        "Sched/Job Info=Pay | Machine Name=m"
    )


@given(contexts)
def test_the_prefix_is_one_line(context: dict[str, Any]) -> None:
    assert not set(before_message(parse(email(context=context)), TextOptions())) & set(LINE_ENDERS)
