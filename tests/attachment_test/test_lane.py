"""In whose queue a test waits: in one that only workers serve that fetch files."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tasks.attachment_test.attachment_tests import lane_of
from tasks.fleet import WorkerLife

ALL = WorkerLife(slots=2)
PLAIN = WorkerLife(slots=2, lanes=("high", "normal", "low"))
FILES = WorkerLife(slots=2, lanes=("files",))
LOW = WorkerLife(slots=2, lanes=("low",))


@pytest.mark.parametrize(
    "lives, lane",
    [
        ([], "high"),
        ([ALL, ALL], "high"),
        ([ALL, LOW], "high"),
        ([ALL, PLAIN], "files"),
        ([ALL, FILES], "files"),
        ([PLAIN, FILES], "files"),
        ([ALL, WorkerLife(slots=2, unfit="no key file")], "high"),
    ],
)
def test_the_lane_is_one_whose_workers_fetch_files(lives: Sequence[WorkerLife], lane: str) -> None:
    assert lane_of(lives) == lane
