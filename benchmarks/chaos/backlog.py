"""A backlog while every server is down: what it costs worker and broker, and how it goes away to its end."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
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
#: Set in the middle of the drain; lifted; and set for its last part, which they let go in two minutes.
_PER_MINUTE = 600
_PER_MINUTE_AT_THE_END = 1_200
_CONNECTIONS = 3
#: Of what a limit allows, in each minute while something waits.
_LEAST_OF_THE_PACE = 0.9
_MINUTE_SECONDS = 60.0
_NOTIFICATION_ID = re.compile(rb"^X-Notification-ID: (\S+)\r?$", re.MULTILINE)


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
        with _limited(installation, mailbox, outcome, _PER_MINUTE):
            _send_urgent(installation, outcome, urgent, "_within_limits")
            # Less than a minute shows no more than what went at once.
            _watch(setting.size(10, 90))
        _drain_to(installation, setting.size(300, 2_000))
        with _limited(installation, mailbox, outcome, _PER_MINUTE_AT_THE_END):
            _send_urgent(installation, outcome, urgent // 4, "_at_the_end")
            _drain_to(installation, 0)
        _expect_each_once(installation, mailbox, outcome)
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


@contextlib.contextmanager
def _limited(
    installation: Installation, mailbox: Mailbox, outcome: Outcome, per_minute: int
) -> Iterator[None]:
    """Limits are set in the middle of the drain: the server sees that they hold, until they are lifted."""
    limited_at = time.monotonic()
    _set_limits(installation, per_minute, _CONNECTIONS)
    _wait_for_what_is_under_way(installation)
    wait_until(
        lambda: mailbox.open_connections <= _CONNECTIONS,
        seconds=PATIENCE_SECONDS,
        what="connections above the limit being closed",
    )
    began, taken = time.monotonic(), mailbox.taken
    yield
    ended = time.monotonic()
    most, connections = (
        mailbox.most_within(_MINUTE_SECONDS, since=began),
        mailbox.most_connections_since(began),
    )
    outcome.figures[f"within_{per_minute}_a_minute_and_{_CONNECTIONS}_connections"] = {
        "seconds": round(ended - began),
        "sent": mailbox.taken - taken,
        "most in a minute": most,
        "most connections": connections,
    }
    if ended - limited_at >= _MINUTE_SECONDS:
        least = mailbox.least_in_a_minute(since=limited_at, until=ended)
        outcome.figures[f"least_in_a_minute_of_{per_minute}"] = least
        outcome.expect(
            that=least >= per_minute * _LEAST_OF_THE_PACE,
            else_fault=f"only {least} of {per_minute} in a minute",
        )
    outcome.expect(that=most <= per_minute, else_fault=f"{most} in a minute, {per_minute} are allowed")
    outcome.expect(that=connections <= _CONNECTIONS, else_fault=f"{connections} connections at once")
    _set_limits(installation, 0, 0)


def _wait_for_what_is_under_way(installation: Installation) -> None:
    """What was allowed to go before a limit was saved is not counted by it, and comes in these moments."""
    under_way = {line.id for line in installation.queries.page(["sending"], limit=100).summaries}

    def all_have_ended() -> bool:
        for each in list(under_way):
            if installation.record(each).state != "sending":
                under_way.remove(each)
        return not under_way

    wait_until(all_have_ended, seconds=PATIENCE_SECONDS, what="passes by the options of before being over")


def _set_limits(installation: Installation, per_minute: int, connections: int) -> None:
    limits = {
        "limits.primary_email_messages_per_minute": per_minute,
        "limits.primary_email_connections": connections,
    }
    installation.runtime.store.change(limits, author="chaos")


def _drain_to(installation: Installation, left: int) -> None:
    """Watch until so few are left."""
    wait_until(
        lambda: installation.open_count() <= left,
        seconds=PATIENCE_SECONDS,
        what=f"all but {left} being final",
    )


def _expect_each_once(installation: Installation, mailbox: Mailbox, outcome: Outcome) -> None:
    """Everything that was accepted came, and nothing twice."""
    counts = Counter(
        found[1] for text in mailbox.texts() if (found := _NOTIFICATION_ID.search(text)) is not None
    )
    delivered, accepted = installation.queries.counts()["delivered"], installation.queries.accepted_ever()
    twice = sum(count > 1 for count in counts.values())
    outcome.figures |= {
        "accepted": accepted,
        "delivered": delivered,
        "came": len(counts),
        "came_twice": twice,
    }
    outcome.expect(
        that=delivered == accepted == len(counts), else_fault=f"{accepted} were accepted, {len(counts)} came"
    )
    outcome.expect(that=not twice, else_fault=f"{twice} came twice")


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


def _watch(seconds: float) -> None:
    """So much of the drain is watched: the time is what is measured."""
    time.sleep(seconds)


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
