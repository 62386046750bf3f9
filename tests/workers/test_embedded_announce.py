"""What the terminal shows: colour and rewritten lines there alone, and no crash where nobody reads."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tests.rigs.embedded import PROJECT
from workers.embedded.announce import Announcer


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_file_gets_finished_lines_without_colour() -> None:
    stream = io.StringIO()
    announcer = Announcer(stream, {})
    with announcer.step("Redis", began=0.0):
        announcer.note("by the way")
    note, done = stream.getvalue().splitlines()
    assert note == "  ! by the way"
    assert done.startswith("  ✓ Redis  ")
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_shows_the_step_that_runs_below_what_is_said_meanwhile() -> None:
    stream = Screen()
    announcer = Announcer(stream, {})
    with announcer.step("Redis"):
        assert stream.getvalue().endswith("Redis")
        announcer.note("by the way")
        assert stream.getvalue().endswith("by the way\n  \x1b[2m…\x1b[0m Redis")
    assert stream.getvalue().endswith("s\x1b[0m\n")


def test_no_color_and_a_dumb_terminal_are_heeded() -> None:
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        stream = Screen()
        announcer = Announcer(stream, environ)
        announcer.done("Redis", 1.0)
        announcer.fault("what", "next")
        announcer.box("title", ["$ command"])
        assert "\x1b[" not in stream.getvalue()


def test_a_failed_step_is_marked() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), Announcer(stream, {}).step("Redis"):
        _ = 1 / 0
    assert stream.getvalue() == "  ✗ Redis\n"


def test_the_box_is_as_wide_as_its_widest_line() -> None:
    stream = io.StringIO()
    Announcer(stream, {}).box("title", ["short", "$ a command to type"])
    lines = stream.getvalue().strip().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("│   a command to type ")


def test_an_encoding_without_the_marks_gets_plain_ones() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Announcer(stream, {}).done("Grüße")
    assert raw.getvalue() == b"  + Gr??e\n"


def test_when_nobody_reads_any_more_it_goes_on_in_silence() -> None:
    script = (
        "import sys; from workers.embedded.announce import Announcer; announcer = Announcer(); "
        "sys.stdin.readline(); announcer.say('lost'); announcer.say('lost'); sys.exit(7)"
    )
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        os.close(reading)
        _, said = process.communicate(b"\n", timeout=20)
    assert (process.returncode, said) == (7, b"")
