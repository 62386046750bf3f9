from __future__ import annotations

import pytest
from hypothesis import given

from tasks.line_breaks import lines_only, one_line, unified, written_breaks
from tests.rigs.notifications import LINE_ENDERS, any_text


@pytest.mark.parametrize(
    "written, shown",
    [
        (r"Job failed\nCall 555", "Job failed\nCall 555"),
        (r"a\r\nb\rc\td", "a\nb\nc\td"),
        (r"\nfirst", "\nfirst"),
        (r"Path:\nfoo", "Path:\nfoo"),
        (r"odd \x escape", r"odd \x escape"),
        (r"Log \\srv\new\table.txt", r"Log \\srv\new\table.txt"),
        (r"Log C:\temp\new.log", r"Log C:\temp\new.log"),
        (r"C:\Program Files\temp\x.log", r"C:\Program Files\temp\x.log"),
        (r"Failed\nLog: \\srv\share\new.log\nend", "Failed\nLog: " + r"\\srv\share\new.log\nend"),
        (r"Failed\nC:\temp\new.log", "Failed\n" + r"C:\temp\new.log"),
        (r"Failed\n\\srv\new", "Failed\n" + r"\\srv\new"),
        ("two\nlines logs\\new.txt", "two\nlines logs\\new.txt"),
        ("a\ttab logs\\new.txt", "a\ttab logs\\new.txt"),
    ],
)
def test_written_breaks_are_honoured_where_they_cannot_hurt_a_path(written: str, shown: str) -> None:
    assert written_breaks(written) == shown


@given(any_text)
def test_a_path_is_never_changed(rest: str) -> None:
    for start in (r"\\srv\new", r"C:\temp"):
        assert written_breaks(f"{start}{rest}") == f"{start}{rest}"


@given(any_text)
def test_one_line_holds_nothing_that_ends_a_line(text: str) -> None:
    assert not set(one_line(text)) & set(LINE_ENDERS)
    assert one_line(one_line(text)) == one_line(text)


@given(any_text)
def test_line_ends_are_unified(text: str) -> None:
    assert "\r" not in unified(text)
    assert unified(text).split("\n") == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert not set(lines_only(text)) & (set(LINE_ENDERS) - {"\n"})
