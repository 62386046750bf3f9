"""The page of figures is what was measured, and so is its picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from benchmarks import report
from benchmarks.report import BEGIN, END, page_part, page_with, picture
from benchmarks.side_by_side import BENCHMARKS
from tests.rigs.embedded import PROJECT

FOUND = json.loads((PROJECT / "docs" / "performance.json").read_text(encoding="utf-8"))["benchmarks"]
PAGE = (PROJECT / "docs" / "performance.md").read_text(encoding="utf-8")


def test_the_page_is_what_was_measured() -> None:
    assert page_with(PAGE, page_part(FOUND)) == PAGE, f"run: python -m {report.__name__}, as the page says"


def test_the_picture_is_what_was_measured() -> None:
    kept = PROJECT / "docs" / "pictures" / "throughput.svg"
    if "peers" in FOUND:
        assert picture(FOUND) == kept.read_text(encoding="utf-8")
    else:
        assert not kept.exists()


def test_what_is_on_the_page_was_measured_in_full_and_what_is_not_is_named() -> None:
    assert [name for name in BENCHMARKS if name in FOUND] == list(FOUND)
    assert not any(each["short"] or each["not_run"] for each in FOUND.values())
    assert all(each["rounds"] >= 5 for each in FOUND.values())
    missing = [name for name in BENCHMARKS if name not in FOUND]
    named = [line for line in PAGE.splitlines() if line.startswith("Not measured in full")]
    words = ", ".join(f"`{name}`" for name in missing)
    assert named == [f"Not measured in full yet: {words}."] * bool(missing)


def test_a_missed_goal_is_named_as_missed() -> None:
    goal = {"name": "a | b", "unit": "x", "median": 0.5, "lowest": 0.4, "highest": 0.6, "at_least": 0.6}
    each = {"what": "what", "rounds": 5, "at": "2026-11-26T18:00:00+00:00", "settings": {}}
    machine = {"python": "CPython 3.11", "load before": "1.5 in the last minute"}
    goals = [{**goal, "met": False}]
    found = {"overhead": {**each, "goals": goals, "machine": machine, "figures": [], "notes": []}}
    part = page_part(found)
    assert r"| `overhead` | a \| b | 0.50 x | 0.40 to 0.60 | ≥ 0.6 | **missed** |" in part
    assert "| python | CPython 3.11 |" in part
    assert "load of the machine before: 1.5." in part


def test_the_picture_has_a_bar_for_each_kind_and_the_longest_is_the_fastest() -> None:
    figures = [
        {"name": "notifications, singly", "unit": "/s", "median": 400.0},
        {"name": "a task with <smtplib>", "unit": "/s", "median": 100.0},
        {"name": "singly / a task", "unit": "x", "median": 4.0},
    ]
    drawn = ET.fromstring(picture({"peers": {"figures": figures}}))
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("rx")]
    assert [float(bar.get("width", "")) for bar in bars] == [380.0, 95.0]


@pytest.mark.parametrize("page", ["", BEGIN, END])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        page_with(page, "part")
