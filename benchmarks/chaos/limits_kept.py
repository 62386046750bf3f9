"""Our own limits over four worker processes, measured at the mail server: kept, without haste, and shared."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.chaos.ending import PATIENCE_SECONDS
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

WORKERS: Final = 4
CONNECTIONS: Final = 3
_MINUTE_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 0.2
#: In short, beside what they ask for with nothing to do: a turn is asked for twice, and so on.
_MOST_COMMANDS_PER_SECOND: Final = 40.0
#: In the long form more is sent, at 200 commands within scripts for each, so passes are counted: whoever has
#: a turn comes once, or once more where it was late. Haste would be a pass in each second.
_MOST_PASSES_PER_MAIL: Final = 3.0
_MOST_CPU_SHARE: Final = 0.10
_TRIES: Final = 50
_PAST_ALL_TURNS_SECONDS: Final = 600.0
#: Before there is a limit each worker has several connections, which idle when it is set.
_BEFORE_THE_LIMIT: Final = 64
#: A connection that idles is noticed within 3 s, and who waits comes again each second.
_MOST_SECONDS_FOR_A_SLOT: Final = 10.0


def limits_kept(setting: Setting) -> Outcome:
    """30 messages a minute and 3 connections; in short 12 a minute, so that a few seconds could break it."""
    per_minute, seconds = setting.size(12, 30), setting.size(6, 180)
    count = per_minute * 8
    name = f"{WORKERS} workers, {per_minute} a minute, {CONNECTIONS} connections"
    outcome = Outcome("limits-kept", name, count)
    began = time.monotonic()
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        _fleet(installation, WORKERS, "-Q", "notify.normal") as workers,
        # It hears of nothing that the others send, so it has no connection until it wants one.
        installation.worker("-n", "late@%h", "-Q", "notify.high"),
    ):
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        installation.publish_many(_BEFORE_THE_LIMIT)
        _all_sent(installation)
        idle = _commands_per_second(installation, setting.size(3, 20))
        outcome.figures["connections_before_the_limit"] = mailbox.open_connections
        limited_at = time.monotonic()
        _limit(installation, messages=per_minute)
        installation.publish_many(count)
        _until_connections_are_within(CONNECTIONS, mailbox)
        kept_since = time.monotonic()
        _all_have_a_turn(installation)
        cpu, passes, sent = _cpu_seconds(workers), _passes(installation), mailbox.taken
        busy = _commands_per_second(installation, seconds)
        share = (_cpu_seconds(workers) - cpu) / seconds / len(workers)
        passes, sent = _passes(installation) - passes, mailbox.taken - sent
        outcome.figures |= {
            "sent": mailbox.taken - _BEFORE_THE_LIMIT,
            "passes_while_they_wait": {"passes": passes, "of them sent": sent},
            "most_in_a_minute": mailbox.most_within(_MINUTE_SECONDS, since=limited_at),
            "seconds_until_those_were_closed": round(kept_since - limited_at, 1),
            "connections_opened_beyond_the_limit": mailbox.opened_beyond(CONNECTIONS, since=limited_at),
            "most_connections_at_once": mailbox.most_connections_since(kept_since),
            "redis_commands_per_second": {"idle": round(idle, 1), "while_they_wait": round(busy, 1)},
            "cpu_share_of_a_worker": f"{share:.1%}",
        }
        waited = _seconds_for_a_slot(installation, mailbox)
        outcome.figures["seconds_until_the_late_worker_had_a_slot"] = round(waited, 1)
    if setting.short:
        outcome.expect(
            that=busy - idle <= _MOST_COMMANDS_PER_SECOND,
            else_fault=f"waiting costs {busy - idle:.0f} commands of Redis a second",
        )
    else:
        outcome.expect(
            that=sent <= passes <= sent * _MOST_PASSES_PER_MAIL,
            else_fault=f"{passes} passes for {sent} mails",
        )
    _expect(outcome, per_minute, share)
    outcome.seconds = time.monotonic() - began
    return outcome


def _expect(outcome: Outcome, per_minute: int, share: float) -> None:
    figures = outcome.figures
    outcome.expect(that=figures["sent"] >= per_minute // 6, else_fault="hardly anything was sent")
    outcome.expect(
        that=figures["most_in_a_minute"] <= per_minute, else_fault="more in a minute than is allowed"
    )
    outcome.expect(
        that=figures["most_connections_at_once"] <= CONNECTIONS,
        else_fault="more connections than are allowed",
    )
    outcome.expect(
        that=figures["connections_before_the_limit"] > CONNECTIONS * 2,
        else_fault="hardly a connection was there before the limit",
    )
    outcome.expect(
        that=not figures["connections_opened_beyond_the_limit"],
        else_fault="connections were opened although as many as are allowed were there from before the limit",
    )
    closed = figures["seconds_until_those_were_closed"]
    outcome.expect(
        that=closed <= _MOST_SECONDS_FOR_A_SLOT,
        else_fault=f"connections from before the limit were there for {closed} s",
    )
    outcome.expect(that=share <= _MOST_CPU_SHARE, else_fault=f"waiting costs {share:.0%} of a processor")
    waited = figures["seconds_until_the_late_worker_had_a_slot"]
    outcome.expect(
        that=waited <= _MOST_SECONDS_FOR_A_SLOT, else_fault=f"a worker waited {waited} s for idle connections"
    )


@contextlib.contextmanager
def _fleet(installation: Installation, count: int, *options: str) -> Iterator[list[Worker]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(installation.worker("-n", f"w{number}@%h", *options))
            for number in range(count)
        ]


def _limit(installation: Installation, *, messages: int) -> None:
    installation.runtime.store.change(
        {
            "limits.primary_email_messages_per_minute": messages,
            "limits.primary_email_connections": CONNECTIONS,
        },
        author="chaos",
    )


def _until_connections_are_within(limit: int, mailbox: Mailbox) -> None:
    wait_until(
        lambda: mailbox.open_connections <= limit,
        seconds=PATIENCE_SECONDS,
        what="connections from before the limit being closed",
    )


def _all_have_a_turn(installation: Installation) -> None:
    wait_until(
        lambda: not installation.queries.counts()["queued"],
        seconds=PATIENCE_SECONDS,
        what="every message having its turn",
    )


def _commands_per_second(installation: Installation, seconds: float) -> float:
    """What all clients of Redis ask it for, over that time; the time is what is measured."""
    client = installation.runtime.redis
    before = client.info("stats")["total_commands_processed"]
    time.sleep(seconds)
    return float(client.info("stats")["total_commands_processed"] - before) / seconds


def _passes(installation: Installation) -> int:
    """How many passes all workers have ended, by their log."""
    return (installation.folder / "worker.log").read_text(encoding="utf-8").count("event=pass_ended ")


def _cpu_seconds(workers: Sequence[Worker]) -> float:
    ticks = 0
    for worker in workers:
        words = Path(f"/proc/{worker.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        # Fields 14 and 15 of proc(5), counted from the third.
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _seconds_for_a_slot(installation: Installation, mailbox: Mailbox) -> float:
    """How long a worker waits for a connection while others keep all of them and do nothing."""
    _limit(installation, messages=0)
    # The turns that they have are over now; the leases of their connections as well, so they take them anew.
    installation.server.advance(_PAST_ALL_TURNS_SECONDS)
    _all_sent(installation)
    # Who waited for a connection had others closed; a few more mails, and all are open again.
    for _ in range(_TRIES):
        if _all_are_kept(installation, mailbox):
            break
        installation.publish_many(CONNECTIONS * 4)
        _all_sent(installation)
    published = installation.publish(priority="high")
    began = time.monotonic()
    installation.wait_state(published.id, "delivered", seconds=PATIENCE_SECONDS)
    return time.monotonic() - began


def _all_sent(installation: Installation) -> None:
    wait_until(lambda: not installation.open_count(), seconds=PATIENCE_SECONDS, what="all being sent")


def _all_are_kept(installation: Installation, mailbox: Mailbox) -> bool:
    """Whether every connection that is allowed is open, and counted, though nobody sends."""
    client = installation.runtime.redis
    slots = client.scan_iter(f"{installation.environment.prefix}:limit:*:slots")
    return sum(int(client.zcard(key)) for key in slots) == mailbox.open_connections == CONNECTIONS
