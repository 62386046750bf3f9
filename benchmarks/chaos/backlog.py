"""A backlog while every server is down: what it costs worker and broker, and how it goes away."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.chaos.ending import PATIENCE_SECONDS
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tasks.broker import QUEUE_LIMIT
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

_AT_ONCE = 2_000
#: So many passes have ended in waiting before the memory is believed.
_PASSES_THAT_WAIT = 1_000
#: Of a worker that has delivered a little and has nothing to do.
_MOST_GROWTH = 1.2
_HIGH_P99_SECONDS = 1.0
#: Set in the middle of the drain.
_PER_MINUTE = 600
_CONNECTIONS = 3
_MINUTE_SECONDS = 60.0


def backlog(setting: Setting) -> Outcome:
    """Many wait, none can go; then the server returns, and new ones of high priority pass them all."""
    count, urgent = setting.size(2_000, 100_000), setting.size(20, 200)
    outcome = Outcome("backlog", "every server down while a backlog grows", count + urgent)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        installation.worker() as worker,
    ):
        installation.configure(primary=mailbox)
        cold_mb = _memory_mb(worker)
        _all_final(installation, installation.publish_many(200))
        idle_mb = _memory_mb(worker)
        mailbox.go_down()
        lists, memory = [], [idle_mb]
        for _ in range(count // _AT_ONCE):
            installation.publish_many(_AT_ONCE)
            lists.append(int(installation.runtime.redis.llen("notify.normal")))
            memory.append(_memory_mb(worker))
        _wait_waiting(installation, _PASSES_THAT_WAIT)
        memory.append(_memory_mb(worker))
        outcome.figures |= {
            "worker_cold_mb": round(cold_mb, 1),
            "worker_idle_mb": round(idle_mb, 1),
            "worker_most_mb": round(max(memory), 1),
            "longest_broker_list": max(lists),
        }
        _bring_back(installation, mailbox, outcome, urgent)
        _drain_within_limits(installation, mailbox, outcome, urgent)
        outcome.figures["worker_most_mb_in_the_drain"] = round(_memory_mb(worker), 1)
    outcome.expect(
        that=max(memory) <= idle_mb * _MOST_GROWTH, else_fault="the backlog costs the worker's memory"
    )
    # Publishers that look at once may each find room for what they bring.
    outcome.expect(that=max(lists) <= QUEUE_LIMIT * 1.2, else_fault="the backlog is in the broker")
    outcome.seconds = time.monotonic() - began
    return outcome


def _bring_back(installation: Installation, mailbox: Mailbox, outcome: Outcome, urgent: int) -> None:
    """The server takes mail again: the drain runs, and urgent ones come in one after the other."""
    taken = mailbox.taken
    mailbox.come_up()
    installation.server.advance(61)
    wait_until(
        lambda: mailbox.taken > taken + 100, seconds=PATIENCE_SECONDS, what="the backlog beginning to go"
    )
    taken, started = mailbox.taken, time.monotonic()
    _send_urgent(installation, outcome, urgent, "")
    seconds = time.monotonic() - started
    outcome.figures |= {
        "drained_per_second": round((mailbox.taken - taken) / seconds, 1),
        "still_waiting_when_the_last_urgent_one_was_sent": installation.open_count(),
    }
    outcome.expect(that=installation.open_count() > 0, else_fault="the backlog was gone before they came")


def _drain_within_limits(installation: Installation, mailbox: Mailbox, outcome: Outcome, urgent: int) -> None:
    """Limits are set in the middle of the drain: they hold, and what is urgent goes before all that wait."""
    limits = {
        "limits.primary_email_messages_per_minute": _PER_MINUTE,
        "limits.primary_email_connections": _CONNECTIONS,
    }
    installation.runtime.store.change(limits, author="chaos")
    wait_until(
        lambda: mailbox.open_connections <= _CONNECTIONS,
        seconds=PATIENCE_SECONDS,
        what="connections above the limit being closed",
    )
    began, since = time.monotonic(), time.time()
    _send_urgent(installation, outcome, urgent, "_within_limits")
    # Less than a minute shows no more than what went at once.
    _wait_seconds(began + _MINUTE_SECONDS * 1.5)
    most = mailbox.most_within(_MINUTE_SECONDS, since=since)
    connections = mailbox.most_connections_since(began)
    outcome.figures |= {
        "limits": f"{_PER_MINUTE} a minute, {_CONNECTIONS} connections",
        "most_in_a_minute": most,
        "most_connections": connections,
    }
    outcome.expect(that=most <= _PER_MINUTE, else_fault=f"{most} in a minute, {_PER_MINUTE} are allowed")
    outcome.expect(that=connections <= _CONNECTIONS, else_fault=f"{connections} connections at once")


def _send_urgent(installation: Installation, outcome: Outcome, count: int, name: str) -> None:
    """Send so many of high priority, one after the other, and note how long each took."""
    waits = []
    for _ in range(count):
        published = installation.publish(priority="high")
        record = installation.wait_state(published.id, "delivered", seconds=PATIENCE_SECONDS)
        assert record.finished_at_ms is not None
        waits.append((record.finished_at_ms - record.accepted_at_ms) / 1000)
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    outcome.figures |= {
        f"high_priority_median_seconds{name}": round(sorted(waits)[len(waits) // 2], 3),
        f"high_priority_p99_seconds{name}": round(p99, 3),
    }
    outcome.expect(
        that=p99 <= _HIGH_P99_SECONDS, else_fault=f"high priority waited {p99:.2f} s at the 99th percentile"
    )


def _wait_seconds(until: float) -> None:
    """So much of the drain is watched: the time is what is measured."""
    time.sleep(max(0.0, until - time.monotonic()))


def _memory_mb(worker: Worker) -> float:
    """What the worker's process has in memory now."""
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1_048_576


def _wait_waiting(installation: Installation, least: int) -> None:
    wait_until(
        lambda: installation.queries.counts()["waiting"] >= least,
        seconds=PATIENCE_SECONDS,
        what=f"{least} waiting for the server",
    )


def _all_final(installation: Installation, ids: list[str]) -> None:
    wait_until(
        lambda: installation.final_count() >= len(ids), seconds=PATIENCE_SECONDS, what="all being final"
    )
