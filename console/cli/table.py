"""Rows in columns: as wide as they need to be in a pipe, within the screen on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.cli.cell_text import cells, wrapped
from console.cli.screen import Colour, Screen

_GAP = "  "
_LEAST_COLUMN = 8


def _plain(_row: int, _column: int) -> tuple[Colour, ...]:
    return ()


def table(
    rows: Sequence[Sequence[str]],
    screen: Screen,
    *,
    head: Sequence[str] = (),
    flexible: int = -1,
    last_first: bool = False,
    paint: Callable[[int, int], tuple[Colour, ...]] = _plain,
) -> list[str]:
    """The lines of a table.

    Args:
        rows: Cells, each fit to be shown.
        screen: On a terminal the table is kept within it.
        head: Titles of the columns.
        flexible: The column that is wrapped where the screen is too narrow; where that is not enough, the
            last one is too.
        last_first: Wrap the last one before it: its words part at blanks, and a value must stay whole.
        paint: The colours of a cell, by row and column.
    """
    every = [head, *rows] if head else list(rows)
    if not every:
        return []
    widths = [max(cells(row[column]) for row in every) for column in range(len(every[0]))]
    spare = screen.columns - (sum(widths) + len(_GAP) * (len(widths) - 1))
    for column in (-1, flexible) if last_first else (flexible, -1):
        if screen.is_terminal and spare < 0:
            least = min(widths[column], _LEAST_COLUMN)
            taken = min(-spare, widths[column] - least)
            widths[column] -= taken
            spare += taken
    lines = [screen.paint(line, "bold") for line in _lines(head, widths, screen, [()] * len(widths))]
    for number, row in enumerate(rows):
        lines += _lines(row, widths, screen, [paint(number, column) for column in range(len(widths))])
    return lines


def _lines(
    row: Sequence[str], widths: Sequence[int], screen: Screen, colours: Sequence[tuple[Colour, ...]]
) -> list[str]:
    """A row in as many lines as its tallest cell needs."""
    if not row:
        return []
    columns = [
        wrapped(cell, width) if cells(cell) > width else [cell]
        for cell, width in zip(row, widths, strict=True)
    ]
    lines = []
    for number in range(max(map(len, columns))):
        texts = [column[number] if number < len(column) else "" for column in columns]
        last = max((place for place, text in enumerate(texts) if text), default=0)
        lines.append(
            _GAP.join(
                screen.paint(text, *paints) + (" " * (width - cells(text)) if place < last else "")
                for place, (text, width, paints) in enumerate(zip(texts, widths, colours, strict=True))
                if place <= last
            )
        )
    return lines
