"""The page for whoever comes from OpCon leaves no option out."""

from __future__ import annotations

import re

from settings_store.catalog import OPTIONS
from tests.rigs.embedded import PROJECT


def test_every_option_of_the_page_has_its_place_in_the_table() -> None:
    page = (PROJECT / "docs" / "migration.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^## The 43 options, one by one$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ") and "`" in line]
    named = [key for row in rows for key in re.findall(r"`([a-z_]+\.[a-z_]+)`", row[2])]
    assert sorted(named) == sorted(OPTIONS)
    for row in rows:
        for key in re.findall(r"`([a-z_]+\.[a-z_]+)`", row[2]):
            plain = re.sub(r"[^a-z]", "", OPTIONS[key].label.lower())
            assert re.sub(r"[^a-z]", "", row[1].lower()) in plain, key
