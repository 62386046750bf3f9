"""Files and options to fetch them by."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that options may allow, beside one that they do not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_bytes(b"SECRET")
    return allowed
