"""Results as a table of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from benchmarks.measuring.figure import Figure, Goal, Result

WIDTH = 80
_NAME = 42


def head(machine: Mapping[str, str], rounds: int, *, short: bool) -> Iterator[str]:
    """What stands above all results."""
    for name, value in machine.items():
        yield from _wrapped(f"{name:<14}", value)
    if short:
        yield "short form: proves that it runs; the figures mean nothing"
    else:
        yield f"{'rounds':<14}{rounds}, sides in turn; the median, and from lowest to highest"


def lines(name: str, result: Result, *, short: bool = False) -> Iterator[str]:
    """What is shown of one benchmark."""
    yield ""
    yield from _wrapped(f"{name}: ", result.what, indent=2)
    for figure in result.figures:
        yield _line(" ", figure)
    for goal in result.goals:
        yield from _goal(goal, short=short)
    for setting, value in result.settings.items():
        yield from _wrapped(f"    {setting}: ", value, indent=6)
    for note in result.notes:
        yield from _wrapped("    ", note, indent=4)
    if result.not_run:
        yield from _wrapped("  not run: ", result.not_run, indent=4)


def _goal(goal: Goal, *, short: bool) -> Iterator[str]:
    figure = goal.figure
    bound = f"goal ≥ {goal.at_least:g}" if goal.at_least is not None else f"goal ≤ {goal.at_most:g}"
    mark = "·" if short else "✓" if goal.is_met else "✗"
    verdict = "not judged" if short else "met" if goal.is_met else "missed"
    yield _line(mark, figure)
    yield f"  {'':<{_NAME}}{bound:>13}  {verdict}"


def _line(mark: str, figure: Figure) -> str:
    median = shown(figure.median, figure.unit)
    return f"{mark} {figure.name:<{_NAME}}{median:>13}  {_spread(figure)}".rstrip()


def _spread(figure: Figure) -> str:
    if figure.lowest == figure.highest:
        return ""
    return f"{number(figure.lowest)} to {number(figure.highest)}"


def shown(value: float, unit: str) -> str:
    """A value with its unit."""
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Three figures, or more where they stand before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _wrapped(first: str, text: str, *, indent: int = 14) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * indent, break_on_hyphens=False
    )
