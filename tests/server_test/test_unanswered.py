"""Why no worker takes a test, by what the workers say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.fleet import Fleet, WorkerLife
from tasks.server_test import ServerTests

FREE = WorkerLife(slots=2, lanes=("high", "low"))
BUSY = WorkerLife(slots=2, busy=2, lanes=("high", "low"))


@pytest.mark.parametrize(
    "lives, why",
    [
        ([], "no worker is alive"),
        ([BUSY, BUSY], "every slot of every worker is busy (2 alive)"),
        ([BUSY, FREE], "workers are alive with slots free, and took nothing from the queue notify.high"),
        ([WorkerLife(slots=2, lanes=("low",))], "no worker serves the queue notify.high"),
        (
            [WorkerLife(slots=2, unfit="no key file")],
            "no worker serves the queue notify.high (no key file)",
        ),
        # One of an older version does not tell its lanes.
        ([WorkerLife(slots=2, busy=2)], "every slot of every worker is busy (1 alive)"),
    ],
)
def test_the_reason_is_told(redis_server: redis.Redis, lives: Sequence[WorkerLife], why: str) -> None:
    fleet = Fleet(redis_server)
    for place, life in enumerate(lives):
        fleet.beat(f"w{place}@host", life, at_ms=1)
    bells = Bells("memory://")
    tests = ServerTests(redis_server, SettingsStore(redis_server), bells)
    assert tests.why_unanswered() == why
    bells.close()
