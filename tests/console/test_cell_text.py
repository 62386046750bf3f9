"""Text in columns: what a terminal would obey is escaped, and widths are those of cells."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.cli.cell_text import cells, cut, padded, shown, wrapped
from console.cli.screen import Screen
from console.cli.table import table
from console.presenting.relative_time import clock_time, duration, local_date, relative, rfc3339


@given(st.text())
@example("\x1b[31m\x9b\u202e\u2028\U000e0041\ud800")
def test_shown_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    line = shown(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line)
    assert shown(line) == line


@given(st.text(), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert lines
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(), st.integers(2, 30))
def test_cut_text_fits(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width


def test_wide_characters_take_two_cells() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert padded("日本", 6) == "日本  "


def test_a_table_stays_within_a_terminal_and_is_whole_in_a_pipe() -> None:
    rows = [("key", "value " * 30, "mark")]
    narrow = table(rows, Screen(60, is_terminal=True), head=("A", "B", "C"), flexible=1)
    assert max(map(len, narrow)) <= 60
    assert narrow[1].endswith("mark")
    assert len(table(rows, Screen(60), head=("A", "B", "C"), flexible=1)) == 2


@pytest.mark.parametrize(
    "milliseconds, words",
    [
        (0, "0 ms"),
        (12, "12 ms"),
        (400, "0.4 s"),
        (1_000, "1 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (185_000, "3 min 5 s"),
        (725_000, "12 min"),
        (3_600_000, "1 h"),
        (7_800_000, "2 h 10 min"),
        (86_400_000, "1 d"),
        (90_000_000, "1 d 1 h"),
        (40 * 86_400_000 + 3_600_000, "40 d"),
    ],
)
def test_durations_read_as_a_person_says_them(milliseconds: int, words: str) -> None:
    assert duration(milliseconds) == words


def test_relative_times() -> None:
    assert [relative(then, 100_000) for then in (100_000, 99_500, 40_000, 160_000)] == [
        "now",
        "now",
        "1 min ago",
        "in 1 min",
    ]


def test_times_for_programs_are_rfc_3339_in_utc_with_milliseconds() -> None:
    assert rfc3339(1_800_000_000_007) == "2027-01-15T08:00:00.007Z"
    assert rfc3339(None) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_time_that_no_calendar_has_is_shown_as_its_end_and_one_before_all_clocks_as_their_beginning(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for milliseconds, days in ((3e14, ("9999-12-",)), (-8e13, ("1970-01-01", "1969-12-31"))):
            for shown in (rfc3339(milliseconds), clock_time(milliseconds), local_date(milliseconds)):
                assert str(shown).startswith(days)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_table_with_a_long_mark_stays_within_a_terminal_and_keeps_keys_whole() -> None:
    key, mark = (
        "primary_email.total_attachment_size_mb",
        "deployment-robot@build-agent-17.example.com, 3 min ago",
    )
    rows = [(key, "a value of some length", mark), ("mirror.sms", "No", "me")]
    lines = table(rows, Screen(80, is_terminal=True), head=("OPTION", "VALUE", "SET BY"), flexible=1)
    assert max(map(cells, lines)) <= 80
    assert "".join(line[len(key) :] for line in lines).count("deployment-robot") == 1
    assert any(line.startswith(key) for line in lines)
    assert table(rows, Screen(80), flexible=1)[0].endswith(mark)  # in a pipe nothing is broken
