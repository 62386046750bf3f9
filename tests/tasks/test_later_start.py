"""A countdown of Celery's becomes a time of the notification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks import notification
from tasks.later_start import KEPT_SECONDS, starting_at, taken_over
from tests.rigs.notifications import email

SOON, LATER, LAST = (f"{year}-01-01T00:00:00+00:00" for year in (2997, 2998, 2999))
PAST = "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "own, eta, expires, start, end",
    [
        ({}, SOON, None, SOON, None),
        ({}, SOON, LATER, SOON, LATER),
        ({"not_before": None, "expires": None}, SOON, LATER, SOON, LATER),
        ({"not_before": LATER}, SOON, None, LATER, None),
        ({"not_before": SOON}, LATER, None, LATER, None),
        ({"expires": LAST}, SOON, LATER, SOON, LATER),
        ({"expires": LATER}, SOON, LAST, SOON, LATER),
        ({}, PAST, LATER, None, None),
        ({}, None, LATER, None, None),
        ({"not_before": "tomorrow", "expires": 5}, SOON, LATER, "tomorrow", 5),
        ({"not_before": "2999-01-01T00:00:00"}, SOON, None, "2999-01-01T00:00:00", None),
    ],
)
def test_the_later_start_and_the_earlier_end_hold(
    own: dict[str, Any], eta: str | None, expires: str | None, start: str | None, end: object
) -> None:
    document = email(**own)
    timed = starting_at(document, eta, expires)
    assert (timed.get("not_before"), timed.get("expires")) == (start, end)
    assert document == email(**own), "the sender's stays as it is"


def test_what_it_writes_is_a_time_of_a_notification() -> None:
    headers: dict[str, Any] = {}
    zone = datetime.fromisoformat("2999-01-01T12:00:00.25+05:30")
    assert taken_over(headers, zone, zone + timedelta(hours=1))
    parsed = notification.parse(starting_at(email(), headers["eta"], headers["expires"]))
    assert parsed.not_before == zone
    assert parsed.expires == zone + timedelta(hours=1)


def test_what_a_worker_puts_back_for_a_moment_is_left_to_celery_and_nothing_else_is() -> None:
    now = datetime.now(tz=UTC)
    near, far = now + timedelta(seconds=KEPT_SECONDS / 2), now + timedelta(minutes=5)
    assert not taken_over({"retries": 1}, near, None)
    assert taken_over({"retries": 0}, near, None)
    assert taken_over({"retries": None}, near, None)
    assert taken_over({"retries": 1}, far, None)


def test_a_time_that_is_none_in_utc_is_told_apart() -> None:
    last = datetime.fromisoformat("9999-12-31T23:59:59-01:00")
    with pytest.raises(OverflowError):
        taken_over({}, last, None)
