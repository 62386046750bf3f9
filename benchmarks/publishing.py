"""How fast one publisher is beside Celery's own `send_task`."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.measuring.figure import Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import TEXT_BYTES, stand

SINGLY = "publish"
TOGETHER = "publish_many"
BARE = "send_task of an empty task"
#: As many as the broker's queue takes bells for.
_A_CALL = 1_000


def publishing(run: Run) -> Result:
    """Notifications per second that one publisher gives away, and empty tasks."""
    singly, calls = run.size(50, 500), run.size(1, 3)
    with stand(run) as site:

        def rate(publish: Callable[[int], None], count: int, times: int = 1) -> float:
            spent = 0.0
            for _ in range(times):
                # Empty each time: above a thousand bells none are rung, and publishing would be cheaper.
                site.client.flushall()
                began = time.perf_counter()
                publish(count)
                spent += time.perf_counter() - began
            return count * times / spent

        found = run.alternate(
            Side(SINGLY, lambda: rate(site.publish_singly, singly)),
            Side(TOGETHER, lambda: rate(site.publish_together, run.size(50, _A_CALL), calls)),
            Side(BARE, lambda: rate(site.send_empty, singly)),
        )
    return Result(
        f"notifications of {TEXT_BYTES:,} bytes a second that one publisher gives away, recorded on disk",
        list(found.values()),
        [
            Goal(ratio("publish / send_task", found[SINGLY], found[BARE]), at_least=0.8),
            Goal(ratio("publish_many / send_task", found[TOGETHER], found[BARE]), at_least=10),
        ],
        {"Redis": SHOWN, "a call of publish_many": f"{_A_CALL:,} notifications"},
        ["`send_task` carries no message here; what it gives away is on disk, but is found by nobody."],
    )
