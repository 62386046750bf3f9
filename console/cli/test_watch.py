"""Wait for a test by a worker, showing how it goes, until it is done or nobody takes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from console.cli.errors import Failed
from tasks.live_test.asking import ANSWER_WITHIN_SECONDS, Asking
from tasks.live_test.storage import Report

_PAUSE_SECONDS: Final = 0.05
_START_WORKER: Final = "start one: `celery -A workers worker`, or `make up` for everything on this machine"


def watched(
    tests: Asking[Report],
    test_id: str,
    *,
    show: Callable[[Report], None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """The report when the test is done.

    Raises:
        Failed: No worker takes it, or the one that did is gone.
    """
    began = clock()
    while True:
        report = tests.read(test_id)
        if report is None:
            raise Failed("the test is forgotten: Redis was emptied meanwhile", "ask for it again")
        show(report)
        match report.state:
            case "done":
                return report
            case "lost":
                raise Failed(
                    f"the worker {report.worker} is gone in the middle of the test",
                    "`notify doctor` looks at the workers; ask for the test again",
                )
            case "unanswered":
                raise _unanswered(tests, report.lane)
            case "waiting" if clock() - began >= ANSWER_WITHIN_SECONDS and tests.withdraw(test_id):
                raise _unanswered(tests, report.lane)
        pause(_PAUSE_SECONDS)


def _unanswered(tests: Asking[Report], lane: str) -> Failed:
    why = tests.why_unanswered(lane)
    hint = _START_WORKER if why == "no worker is alive" else "`notify doctor` looks at broker and workers"
    return Failed(f"no worker answered within {ANSWER_WITHIN_SECONDS:g} s: {why}; nothing was tested", hint)
