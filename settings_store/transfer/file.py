"""A file of options of whatever form: our export, or names and values as JSON, CSV or TSV."""

from __future__ import annotations

from typing import Final

from settings_store.errors import UnreadableOptions
from settings_store.snapshot import Snapshot
from settings_store.transfer.export import is_export, read_export
from settings_store.transfer.opcon import read_pairs
from settings_store.transfer.pairs import FORMS, json_pairs, parsed_json, text_pairs
from settings_store.transfer.reading import Reading

#: Far above every option at its longest; it only keeps a wrong file out of memory.
FILE_MAXIMUM_BYTES: Final = 2 * 1024 * 1024
_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_options(content: bytes, before: Snapshot) -> Reading:
    """What a file of options holds.

    Args:
        content: The file, in UTF-8, or in UTF-16 with its mark, as spreadsheets write it.
        before: The options as they are here.

    Raises:
        UnreadableOptions: It has none of the forms; the message names the place, and no value.
    """
    if len(content) > FILE_MAXIMUM_BYTES:
        raise UnreadableOptions("it is too large", f"at most {FILE_MAXIMUM_BYTES:,} bytes")
    encoding = "utf-16" if content.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = None
    if text is None:  # raised out here, so that no link leads to the bytes
        raise UnreadableOptions("it is no text in UTF-8 or UTF-16", FORMS)
    if not text.strip():
        raise UnreadableOptions("it is empty", FORMS)
    document = parsed_json(text)
    if isinstance(document, dict) and is_export(document):
        return read_export(document, before)
    return read_pairs(text_pairs(text) if document is None else json_pairs(document), before)
