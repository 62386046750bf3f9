"""The reference page that is committed is the one the catalogue makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from settings_store.catalog import ALL_OPTIONS
from settings_store.reference import main, render

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_page_is_current() -> None:
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    assert page == render(), "run: python -m settings_store.reference docs/options.md"


def test_the_page_has_every_option_with_its_help() -> None:
    page = render()
    for option in ALL_OPTIONS.values():
        assert f"`{option.key}`" in page
        assert option.help in page


def test_the_module_writes_the_page_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    main([str(tmp_path / "options.md")])
    assert (tmp_path / "options.md").read_text(encoding="utf-8") == render()
    command = [sys.executable, "-X", "utf8", "-m", "settings_store.reference"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert written.stdout.decode("utf-8") == render()
