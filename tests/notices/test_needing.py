"""Servers that need a person: told once, and once when that is over; a try that is as wrong is no end."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.fallback import Link, Standing
from tasks.notices.announced import Announced
from tasks.notices.incident import Incident, subject_of, text_of
from tasks.notices.needing import Misconfigured, next_needing

QUIET_MS = 900_000
OVER, NEEDS = "misconfigured_over", "misconfigured"
STATES: Any = ("closed", "open", "half_open", "paused")


class Operator:
    """Sees what is told of Primary Email."""

    def __init__(self) -> None:
        self.announced = Announced()
        self.now_ms = 1_800_000_000_000
        self._ids = map(str, itertools.count(1))

    def sees(
        self,
        fingerprint: str,
        state: Any = "closed",
        *,
        needs: bool = False,
        proven: bool = False,
        after_ms: int = 5_000,
    ) -> list[Incident]:
        """What is told where it is set and stands so; without a fingerprint no chain has it."""
        self.now_ms += after_ms
        link = Link("primary_email", fingerprint, "open" if needs else state, "")
        self.announced, incidents = next_needing(
            self.announced,
            [Standing("email", "well", "primary_email", (link,) if fingerprint else ())],
            [Misconfigured("primary_email", fingerprint, "the sign-in is refused")] if needs else [],
            [fingerprint] if proven else [],
            now_ms=self.now_ms,
            quiet_ms=QUIET_MS,
            new_id=lambda: next(self._ids),
        )
        return incidents

    def hears(self, *asked: Any, **more: Any) -> list[str]:
        return [each.event for each in self.sees(*asked, **more)]


def test_it_is_told_once_however_long_it_lasts_and_once_when_it_is_over() -> None:
    operator = Operator()
    assert operator.hears("f1", needs=True) == [NEEDS]
    assert operator.hears("f1", needs=True, after_ms=10 * QUIET_MS) == []
    assert operator.hears("f1") == [OVER]
    assert operator.hears("f1") == []
    assert operator.hears("f1", needs=True, after_ms=QUIET_MS) == [NEEDS]


def test_one_that_is_down_or_paused_since_is_not_told_to_be_in_use() -> None:
    operator = Operator()
    operator.hears("f1", needs=True)
    for state in ("open", "half_open", "paused"):
        assert operator.hears("f1", state) == []
    assert operator.hears("f1", needs=True, after_ms=QUIET_MS) == [], "it was told, and not told to be over"
    assert operator.hears("f1") == [OVER]


def test_one_that_refuses_again_within_the_quiet_time_is_told_of_after_it() -> None:
    operator = Operator()
    operator.hears("f1", needs=True)
    operator.hears("f1")
    assert operator.hears("f1", needs=True) == []
    assert operator.hears("f1") == [], "what was not told is not told to be over"
    assert operator.hears("f1", needs=True, after_ms=QUIET_MS) == [NEEDS]


def test_an_administrator_who_tries_passwords_hears_of_each_that_is_wrong_and_once_of_the_right_one() -> None:
    operator = Operator()
    told = operator.hears("f1", needs=True)
    for password in ("f2", "f3", "f4"):
        told += operator.hears(password)
        told += operator.hears(password, needs=True)
    assert told == [NEEDS] * 4
    assert operator.hears("right") == []
    (over,) = operator.sees("right", proven=True)
    assert (over.event, over.facts) == (OVER, {"server": "primary_email", "proven": True})
    assert operator.announced.needing == {}


def test_changed_options_of_which_nothing_bad_is_heard_are_told_after_the_quiet_time() -> None:
    operator = Operator()
    operator.hears("f1", needs=True)
    assert operator.hears("f2") == []
    (over,) = operator.sees("f2", after_ms=QUIET_MS)
    assert over.facts == {"server": "primary_email", "proven": False}
    assert subject_of(over) == "Primary Email is in use again"
    assert "`notify server test primary_email`" in text_of(over)
    assert max(map(len, text_of(over).splitlines())) <= 80


def test_one_that_was_taken_out_is_not_told_of() -> None:
    operator = Operator()
    operator.hears("f1", needs=True)
    assert operator.hears("", after_ms=QUIET_MS) == []
    assert operator.hears("f1", after_ms=QUIET_MS) == []


def test_the_words_say_what_is_the_matter() -> None:
    operator = Operator()
    (incident,) = operator.sees("f1", needs=True)
    assert subject_of(incident) == "Primary Email needs a person: the sign-in is refused"
    assert max(map(len, text_of(incident).splitlines())) <= 80


_LOOKS = st.tuples(st.sampled_from(["", "f1", "f2"]), st.sampled_from(STATES), st.booleans(), st.booleans())


@given(st.lists(_LOOKS, max_size=40), st.sampled_from([1_000, QUIET_MS]))
def test_whatever_happens_the_last_word_is_true_in_the_end(
    looks: list[tuple[str, Any, bool, bool]], after_ms: int
) -> None:
    operator = Operator()
    told: list[str] = []
    for fingerprint, state, refuses, proven in looks:
        needs = refuses and bool(fingerprint)
        told += operator.hears(fingerprint, state, needs=needs, proven=proven, after_ms=after_ms)
    told += operator.hears("last", proven=True, after_ms=QUIET_MS)
    assert told.count(OVER) <= told.count(NEEDS)
    assert operator.announced.needing == {}
    told += operator.hears("last", needs=True, after_ms=QUIET_MS)
    assert told[-1] == NEEDS
