"""A Redis that reaches its maxmemory: nothing more is accepted, and what was accepted is finished."""

from __future__ import annotations

import time

import redis

from benchmarks.chaos.doors import Doors
from benchmarks.chaos.ending import PATIENCE_SECONDS, broker_is_empty, redeliver_now
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tasks.ledger import LedgerUnavailable
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until

_MAXMEMORY = "24mb"
_OF_OTHERS = "of.somebody.else"


def redis_full(setting: Setting) -> Outcome:
    """Somebody else fills Redis to the brim while notifications wait in the broker and in the ledger."""
    count = setting.size(100, 300)
    outcome = Outcome("redis-full", f"maxmemory {_MAXMEMORY} reached, by another's data", count)
    began = time.monotonic()
    options = ("--maxmemory", _MAXMEMORY, "--maxmemory-policy", "noeviction")
    with running_installation(setting.folder, *options) as installation, open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        mailbox.take_slowly(0.02)
        doors = Doors(installation)
        for _ in range(count // 10):
            doors.insist([doors.document() for _ in range(5)])
            for _ in range(5):
                doors.submit()
        fill(installation.runtime.redis)
        outcome.figures["accept_says"] = _refusal(installation)
        with installation.worker() as worker:
            wait_until(
                lambda: not installation.open_count(),
                seconds=PATIENCE_SECONDS,
                what="what was accepted being final while Redis is full",
            )
            outcome.figures["finished_while_full"] = installation.final_count()
            worker.wait_logged("submission_waits")
            make_room(installation.runtime.redis)
            redeliver_now(installation)
            wait_until(
                lambda: broker_is_empty(installation) and not installation.open_count(),
                seconds=PATIENCE_SECONDS,
                what="everything being final",
            )
            outcome.expect(
                that=worker.process.poll() is None, else_fault="the worker did not live through it"
            )
        judge(installation, [*doors.accepted, *doors.submitted], [mailbox]).tell(outcome)
        doors.close()
    outcome.seconds = time.monotonic() - began
    return outcome


def fill(client: redis.Redis) -> None:
    """Write until Redis takes nothing more."""
    for size in (100_000, 1_000, 10):
        try:
            while True:
                client.rpush(_OF_OTHERS, "x" * size)
        except redis.exceptions.OutOfMemoryError:
            continue


def make_room(client: redis.Redis) -> None:
    """Take the others' data away, and wait until Redis takes writes: newer ones free in the background."""
    client.delete(_OF_OTHERS)
    wait_until(
        lambda: _used(client) < _used(client, "maxmemory"),
        seconds=PATIENCE_SECONDS,
        what="Redis having room again",
    )


def _used(client: redis.Redis, figure: str = "used_memory") -> int:
    memory: dict[str, int] = client.info("memory")
    return memory[figure]


def _refusal(installation: Installation) -> str:
    """What a publisher is told."""
    try:
        # A fresh one: how full Redis is, is asked once a second.
        Doors(installation).accept_one()
    except LedgerUnavailable as refused:
        return str(refused)
    return "accepted"
