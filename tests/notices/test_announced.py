"""What is announced when: a table of how things stand, and a walk of many changes in random order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.fallback import Condition, Link, Standing
from tasks.notices.announced import Announced, next_announcements
from tasks.notices.incident import Incident, subject_of, text_of

QUIET_MS = 900_000
START_MS = 1_800_000_000_000
CARRIER: dict[Condition, Any] = {"well": "primary_email", "fallback": "secondary_email"}


def email(condition: Condition) -> Standing:
    primary = Link("primary_email", "f1", "closed" if condition == "well" else "open", "away")
    secondary = Link("secondary_email", "f2", "open" if condition == "down" else "closed", "")
    links = () if condition == "unset" else (primary, secondary)
    return Standing("email", condition, CARRIER.get(condition), links)


class Operator:
    """Sees what is told."""

    def __init__(self) -> None:
        self.announced = Announced()
        self.now_ms = START_MS
        self._ids = map(str, itertools.count(1))

    def sees(self, condition: Condition = "well", *, after_seconds: float = 5) -> list[Incident]:
        """What is told when it stands so, some time later."""
        self.now_ms += int(after_seconds * 1000)
        self.announced, incidents = next_announcements(
            self.announced,
            [email(condition)],
            now_ms=self.now_ms,
            quiet_ms=QUIET_MS,
            new_id=lambda: next(self._ids),
        )
        return incidents

    def hears(self, condition: Condition = "well", *, after_seconds: float = 5) -> list[str]:
        return [each.event for each in self.sees(condition, after_seconds=after_seconds)]


@pytest.mark.parametrize(
    "conditions, told",
    [
        (["well", "well"], []),
        (["fallback", "fallback", "fallback", "well", "well"], ["fallback", "recovered"]),
        (["down", "down", "well"], ["all_down", "recovered"]),
        (["fallback", "down", "fallback", "well"], ["fallback", "all_down", "fallback", "recovered"]),
        (["down", "fallback", "well"], ["all_down", "fallback", "recovered"]),
        (["unset", "well", "unset"], []),
        (["fallback", "unset", "well"], ["fallback"]),
        (["unset", "down"], ["all_down"]),
    ],
)
def test_each_change_is_told_once(conditions: list[Condition], told: list[str]) -> None:
    operator = Operator()
    assert [event for condition in conditions for event in operator.hears(condition)] == told


def test_a_server_that_flaps_is_told_of_once_in_the_quiet_time_and_its_end_at_once() -> None:
    operator = Operator()
    events = [event for _ in range(20) for each in ("fallback", "well") for event in operator.hears(each)]
    assert events == ["fallback", "recovered"]
    assert operator.hears("fallback", after_seconds=QUIET_MS / 1000) == ["fallback"]


def test_what_began_in_the_quiet_time_and_lasts_is_told_when_it_is_over() -> None:
    operator = Operator()
    assert operator.hears("fallback") == ["fallback"]
    assert operator.hears("well") == ["recovered"]
    assert operator.hears("fallback") == []
    assert operator.hears("fallback", after_seconds=QUIET_MS / 1000) == ["fallback"]


def test_getting_worse_has_a_quiet_time_of_its_own_sort() -> None:
    operator = Operator()
    assert operator.hears("fallback") == ["fallback"]
    assert operator.hears("down") == ["all_down"]


def test_how_long_it_was_counts_from_what_was_announced() -> None:
    operator = Operator()
    operator.hears("fallback")
    operator.hears("down", after_seconds=60)
    (incident,) = operator.sees("well", after_seconds=120)
    assert incident.facts["seconds"] == 180
    assert (incident.facts["was"], incident.facts["carrier"]) == ("down", "primary_email")


@given(st.lists(st.sampled_from(["well", "fallback", "down"]), max_size=60))
def test_nothing_is_told_twice_in_a_row_and_the_last_word_is_true_once_the_quiet_time_is_over(
    conditions: list[Condition],
) -> None:
    operator = Operator()
    told = [event for condition in conditions for event in operator.hears(condition)]
    last = conditions[-1] if conditions else "well"
    told += operator.hears(last, after_seconds=QUIET_MS)
    assert all(one != other for one, other in itertools.pairwise(told))
    last_word = told[-1] if told else "recovered"
    assert last_word == {"well": "recovered", "fallback": "fallback", "down": "all_down"}[last]
    assert told.count("all_down") <= 1 + conditions.count("down")


WORDS = [
    ("fallback", "E-mail goes by Secondary Email: Primary Email is down"),
    ("down", "No server for e-mail is up"),
    ("well", "E-mail goes by Primary Email again"),
]


def test_the_words_say_what_is_the_matter_and_where_to_look() -> None:
    operator = Operator()
    for condition, words in WORDS:
        (incident,) = operator.sees(condition)  # type: ignore[arg-type]
        assert subject_of(incident) == words
        assert text_of(incident).startswith(f"{words}.\n\n")
        assert max(map(len, text_of(incident).splitlines())) <= 80
