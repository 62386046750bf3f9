"""Names and values out of a file: CSV, TSV or JSON, as a page or a database was written down."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from settings_store.errors import UnreadableOptions

#: A name and its value as written; a JSON value may be of any kind.
Pair = tuple[str, Any]
#: The number of a line and its cells.
_Line = tuple[int, Sequence[str]]

FORMS: Final = (
    "JSON {name: value}, or CSV or TSV with a column for the name and one for the value "
    "(a header names them: Option Parameter or Key, and Value)"
)
_NAME_COLUMNS: Final = frozenset(
    {"option parameter", "option", "parameter", "name", "key", "setting", "config_key"}
)
_VALUE_COLUMNS: Final = frozenset({"value", "current value", "setting value", "config_value"})
_PLAIN_COLUMNS: Final = 2
_DELIMITERS: Final = ("\t", ";", ",")


def json_pairs(document: object) -> list[Pair]:
    """The pairs of a JSON object of values, or of a list of objects with name and value.

    Raises:
        UnreadableOptions: It is neither.
    """
    if isinstance(document, dict):
        pairs = list(document.items())
    elif isinstance(document, list):
        pairs = [_json_row(place, row) for place, row in enumerate(document, start=1)]
    else:
        raise UnreadableOptions("the JSON in it is neither an object nor a list of objects", FORMS)
    for name, value in pairs:
        if isinstance(value, dict | list):
            raise UnreadableOptions(f"the value of {name[:80]!r} is a structure of its own", FORMS)
    return [(name, "" if value is None else value) for name, value in pairs]


def text_pairs(text: str) -> list[Pair]:
    """The pairs of a CSV or TSV text, by its header where it has one.

    Raises:
        UnreadableOptions: A line does not fit the others, or no column is the name's or the value's.
    """
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    rows: list[_Line] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, [cell.strip() for cell in cells]))  # noqa: PERF401  # line_num moves
    except csv.Error:
        fault = f"line {reader.line_num} is no CSV: a quotation mark stays open or stands within a word"
        raise UnreadableOptions(fault, FORMS) from None
    if not rows:
        raise UnreadableOptions("it is empty", FORMS)
    header = [cell.casefold() for cell in rows[0][1]]
    columns = _column(header, _NAME_COLUMNS), _column(header, _VALUE_COLUMNS)
    if -1 not in columns:
        return list(_by_header(rows[1:], columns))
    return list(_plain(rows))


def _by_header(rows: Iterable[_Line], columns: tuple[int, int]) -> Iterator[Pair]:
    for line, row in rows:
        name, value = (row[place] if place < len(row) else "" for place in columns)
        if value and not name:
            raise UnreadableOptions(f"line {line} has a value and no name", FORMS)
        if name:
            yield name, value


def _plain(rows: Iterable[_Line]) -> Iterator[Pair]:
    for line, row in rows:
        if len(row) != _PLAIN_COLUMNS:
            raise UnreadableOptions(
                f"line {line} has {len(row)} columns and no header says which are name and value", FORMS
            )
        yield row[0], row[1]


def _column(header: Sequence[str], names: frozenset[str]) -> int:
    return next((place for place, cell in enumerate(header) if cell in names), -1)


def _delimiter(text: str) -> str:
    """The first of tab, semicolon and comma that the first line has."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((delimiter for delimiter in _DELIMITERS if delimiter in first), ",")


def _json_row(place: int, row: object) -> Pair:
    fields = {str(name).casefold(): value for name, value in row.items()} if isinstance(row, dict) else {}
    name = next((fields[column] for column in fields if column in _NAME_COLUMNS), None)
    column = next((column for column in fields if column in _VALUE_COLUMNS), None)
    if not isinstance(name, str) or column is None:
        raise UnreadableOptions(f"entry {place} has no name or no value", FORMS)
    return name, fields[column]


def parsed_json(text: str) -> object:
    """The JSON value in a text, or None where it is no JSON at all.

    Raises:
        UnreadableOptions: It begins as JSON and breaks off, or names something twice.
    """
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except UnreadableOptions:
        raise
    except RecursionError:
        fault = "the JSON in it is nested too deeply"
    except json.JSONDecodeError as error:
        fault = f"the JSON in it is broken at line {error.lineno}, column {error.colno}"
    except ValueError:
        fault = "the JSON in it holds a number with thousands of digits"
    raise UnreadableOptions(fault, FORMS)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for name, value in pairs:
        if name in unique:
            raise UnreadableOptions(f"{name[:80]!r} is in it twice", "each name once")
        unique[name] = value
    return unique
