"""Write what was measured into the page: `python -m benchmarks.report FOUND.json PAGE.md PICTURE.svg`.

The page keeps its words; what stands between its two marks is written anew, and the picture beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring.table import number, shown

BEGIN: Final = "<!-- measured: python -m benchmarks.report -->"
END: Final = "<!-- end of what was measured -->"
_BAR, _ROW, _LEFT, _RIGHT = 380, 34, 270, 90

Found = Mapping[str, Any]


def page_part(found: Found) -> str:
    """The tables, as Markdown: first the goals of all benchmarks, then each benchmark's figures."""
    return "\n".join([*_goals(found), *_machines(found), *_figures(found)])


def _goals(found: Found) -> Iterator[str]:
    yield "### Goals\n"
    yield "| benchmark | what | measured | rounds | goal | |"
    yield "|---|---|---:|---:|---:|---|"
    for name, each in found.items():
        for goal in each["goals"]:
            bound = f"≥ {goal['at_least']:g}" if "at_least" in goal else f"≤ {goal['at_most']:g}"
            verdict = "met" if goal["met"] else "**missed**"
            yield (
                f"| `{name}` | {_words(goal['name'])} | {shown(goal['median'], goal['unit'])}"
                f" | {_spread(goal)} | {bound} | {verdict} |"
            )
    yield ""


def _machines(found: Found) -> Iterator[str]:
    yield "### The machine\n"
    yield "| | |"
    yield "|---|---|"
    first = next(iter(found.values()))
    for what, value in first["machine"].items():
        if not what.startswith(("sync", "load")):
            yield f"| {what} | {value} |"
    for setting in dict.fromkeys(each["settings"].get("Redis") for each in found.values()):
        if setting:
            yield f"| Redis is set | {setting} |"
    yield ""


def _figures(found: Found) -> Iterator[str]:
    yield "### Figures\n"
    yield "The median of the rounds, and from lowest to highest.\n"
    for name, each in found.items():
        yield f"**`{name}`**: {_words(each['what'])}.\n"
        yield "| | median | lowest to highest |"
        yield "|---|---:|---:|"
        for figure in each["figures"]:
            median = shown(figure["median"], figure["unit"])
            yield f"| {_words(figure['name'])} | {median} | {_spread(figure)} |"
        yield ""
        for note in each["notes"]:
            yield f"{_words(note)}\n"
        for setting, value in each["settings"].items():
            if setting != "Redis":
                yield f"{setting.capitalize()}: {_words(value)}.\n"
        load = each["machine"]["load before"].partition(" ")[0]
        at = each["at"][:16].replace("T", " ")
        yield f"{each['rounds']} rounds, {at} UTC; load of the machine before: {load}.\n"


def _spread(figure: Found) -> str:
    if figure["lowest"] == figure["highest"]:
        return ""
    return f"{number(figure['lowest'])} to {number(figure['highest'])}"


def _words(text: str) -> str:
    return text.replace("|", "\\|")


def picture(found: Found) -> str:
    """Bars of how many mails a second one worker process of each kind sends, as SVG."""
    figures = [figure for figure in found["peers"]["figures"] if figure["unit"] == "/s"]
    most = max(figure["median"] for figure in figures)
    height = _ROW * len(figures) + 56
    width = _LEFT + _BAR + _RIGHT
    rows = []
    for place, figure in enumerate(figures):
        top = 40 + place * _ROW
        long = figure["median"] / most * _BAR
        ours = figure["name"].startswith("notifications")
        rows += [
            f'<text x="{_LEFT - 10}" y="{top + 16}" text-anchor="end">{escape(figure["name"])}</text>',
            (
                f'<rect x="{_LEFT}" y="{top}" width="{long:.1f}" height="22" rx="3"'
                f' fill="{"#1f6feb" if ours else "#8b949e"}"/>'
            ),
            f'<text x="{_LEFT + long + 8:.1f}" y="{top + 16}">{number(figure["median"])}</text>',
        ]
    title = "Mails a second by one worker process, same Redis, same mail server"
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
                f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"'
                ' font-family="sans-serif" font-size="13" fill="#1f2328">'
            ),
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<text x="12" y="22" font-weight="bold">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def page_with(page: str, part: str) -> str:
    """The page with the part between its marks.

    Raises:
        ValueError: It lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{part}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("found", type=Path, help="what `python -m benchmarks --output` wrote")
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    asked = parser.parse_args()
    found = json.loads(asked.found.read_text(encoding="utf-8"))["benchmarks"]
    asked.page.write_text(
        page_with(asked.page.read_text(encoding="utf-8"), page_part(found)), encoding="utf-8"
    )
    if "peers" in found:
        asked.picture.write_text(picture(found), encoding="utf-8")


if __name__ == "__main__":
    main()
