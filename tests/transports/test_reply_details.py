"""Small parts of a reply: its enhanced status code, and the wait that its words name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transports.enhanced_status import EnhancedStatus, parse_enhanced_status
from tasks.transports.retry_after import MAXIMUM_SECONDS, asks_to_retry_later, retry_after_seconds


@pytest.mark.parametrize(
    "text, expected",
    [
        ("5.7.1 no", (5, 7, 1)),
        (" 4.3.2\tno", (4, 3, 2)),
        ("2.0.0", (2, 0, 0)),
        ("5.7.139 no", (5, 7, 139)),
        ("5.2.252 SendAsDenied", (5, 2, 252)),
        ("5.7.1: no", (5, 7, 1)),
        ("3.7.1 no", None),
        ("5.7 no", None),
        ("5.7.1.2 is an address", None),
        ("5.7.1234 no", None),
        ("Error 5.7.1", None),
        ("\u0665.7.1", None),
        ("", None),
    ],
)
def test_an_enhanced_status_code_is_read_at_the_start_of_the_text(
    text: str, expected: tuple[int, int, int] | None
) -> None:
    assert parse_enhanced_status(text) == expected


@given(st.sampled_from([2, 4, 5]), st.integers(0, 999), st.integers(0, 999))
def test_an_enhanced_status_code_survives_being_written(class_: int, subject: int, detail: int) -> None:
    status = EnhancedStatus(class_, subject, detail)
    assert parse_enhanced_status(f"{status} text") == status


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("4.7.1 retry after 300", 300),
        ("Retry-After: 120", 120),
        ("retry_after=5", 5),
        ("please try again in 5 minutes", 300),
        ("Greylisted for 90 seconds", 90),
        ("wait at least 2 hours", 7200),
        ("limit of 30 messages per 60s", 60),
        ("connection idle for 300 seconds, try again in 10 seconds", 10),
        ("try again in 1-minute", 60),
        ("retry after 999999 hours", MAXIMUM_SECONDS),
        ("retry after 2.5", None),
        ("try again later", None),
        ("try again later. 4F2A17 queue", None),
        ("4.7.0 try later from 192.0.2.1", None),
        ("user 12 has 5 messages", None),
        ("", None),
    ],
)
def test_the_wait_that_a_reply_names(text: str, seconds: int | None) -> None:
    assert retry_after_seconds(text) == seconds


@pytest.mark.parametrize(
    "text, asks",
    [
        ("retry after 300", True),
        ("Retry-After: 5", True),
        ("try again in 5 minutes", True),
        ("try again after 5 minutes", True),
        ("try again later", False),
        ("idle for 300 seconds", False),
    ],
)
def test_whether_a_reply_asks_to_come_back(text: str, *, asks: bool) -> None:
    assert asks_to_retry_later(text) is asks


@given(st.text(max_size=1000))
def test_any_text_can_be_asked_for_its_wait(text: str) -> None:
    seconds = retry_after_seconds(text)
    assert seconds is None or 0 <= seconds <= MAXIMUM_SECONDS
