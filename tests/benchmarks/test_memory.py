"""What the page says a notification takes of Redis' memory is what it takes."""

from __future__ import annotations

import re

import pytest
import redis

from benchmarks.memory import measure
from tests.rigs.embedded import PROJECT

COUNT = 1_000
#: Tables of Redis double as they fill, so a thousand records differ a little from the page's twenty thousand.
ALLOWED = 0.1
_ROW = re.compile(r"^\| to one recipient \| ([0-9,]+) \| ([0-9,]+) \|$", re.MULTILINE)


def test_a_notification_takes_as_much_memory_as_the_page_says(redis_server: redis.Redis) -> None:
    stated = _ROW.search((PROJECT / "docs" / "concepts.md").read_text(encoding="utf-8"))
    assert stated, "the page no longer says it"
    accepted, delivered = (int(figure.replace(",", "")) for figure in stated.groups())
    found = measure(redis_server, "plain", count=COUNT, recipients=1, context=False)
    again = "measure anew: python -m benchmarks.memory"
    assert found.accepted_bytes == pytest.approx(accepted, rel=ALLOWED), again
    assert found.delivered_bytes == pytest.approx(delivered, rel=ALLOWED), again
