"""What the page says a notification takes of Redis' memory is what it takes."""

from __future__ import annotations

import re

import pytest
import redis

from benchmarks.memory import measure
from tests.rigs.embedded import PROJECT

COUNT = 1_000
ALLOWED = 0.05
_ROW = re.compile(r"^\| to one recipient \| [0-9,]+ \| ([0-9,]+) \|$", re.MULTILINE)


def test_a_notification_takes_as_much_memory_as_the_page_says(redis_server: redis.Redis) -> None:
    stated = _ROW.search((PROJECT / "docs" / "concepts.md").read_text(encoding="utf-8"))
    assert stated, "the page no longer says it"
    found = measure(redis_server, "plain", count=COUNT, recipients=1, context=False)
    # Of its keys: among so few, what the server holds for itself would weigh more than in the page's figures.
    kept = sum(found.parts.values())
    assert kept == pytest.approx(int(stated[1].replace(",", "")), rel=ALLOWED), (
        f"measure anew: python -m benchmarks.memory ({found.parts})"
    )
