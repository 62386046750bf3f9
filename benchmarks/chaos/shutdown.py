"""Workers that are asked to stop, under load and one after the other, as a deployment does it."""

from __future__ import annotations

import contextlib
import threading
import time

from benchmarks.chaos.doors import Doors
from benchmarks.chaos.ending import INDEX, PATIENCE_SECONDS
from benchmarks.chaos.judging import judge
from benchmarks.chaos.kills import PREFORK
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until

#: What Docker gives a container between SIGTERM and SIGKILL.
GRACE_SECONDS = 10.0
_ANSWER_SECONDS = 0.05


def stop_threads(setting: Setting) -> Outcome:
    """SIGTERM under load, again and again, with the pool that is the default."""
    return _stop_under_load(setting, "stop-threads", "SIGTERM under load, threads", ())


def stop_prefork(setting: Setting) -> Outcome:
    """SIGTERM under load, again and again, with a prefork pool."""
    return _stop_under_load(setting, "stop-prefork", "SIGTERM under load, prefork", PREFORK)


def _stop_under_load(setting: Setting, name: str, broken: str, options: tuple[str, ...]) -> Outcome:
    count, stops = setting.size(120, 4_000), setting.size(1, 20)
    outcome = Outcome(name, broken, count)
    dice, began = setting.dice(), time.monotonic()
    marks = sorted(dice.sample(range(count // 20, count * 8 // 10), stops))
    took: list[float] = []
    with running_installation(setting.folder) as installation, open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        doors = Doors(installation)
        for _ in doors.publish(count, dice, by_command_line=1):
            pass
        doors.close()
        for mark in marks:
            with installation.worker(*options) as worker:
                _wait_taken(mailbox, mark)
                took.append(worker.stop())
                outcome.expect(
                    that=worker.process.returncode == 0, else_fault=f"exit code {worker.process.returncode}"
                )
            _expect_nothing_held(installation, outcome)
        with installation.worker(*options):
            _wait_all_final(installation)
        outcome.figures |= _seconds_to_stop(took)
        judge(installation, [*doors.accepted, *doors.submitted], [mailbox]).tell(outcome)
    _expect_clean(outcome, took)
    outcome.seconds = time.monotonic() - began
    return outcome


def rolling_restart(setting: Setting) -> Outcome:
    """All workers of a fleet, one after the other, while notifications come in."""
    count, workers = setting.size(200, 6_000), setting.size(2, 3)
    rounds = setting.size(1, 5)
    outcome = Outcome(
        "rolling-restart", f"{workers} workers restarted one after the other, {rounds} times round", count
    )
    dice, began = setting.dice(), time.monotonic()
    took: list[float] = []
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        contextlib.ExitStack() as stack,
    ):
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        fleet = [stack.enter_context(installation.worker("-n", f"w{number}@%h")) for number in range(workers)]
        doors = Doors(installation)
        publishing = threading.Thread(target=lambda: list(doors.publish(count, dice, by_command_line=1)))
        publishing.start()
        try:
            restarts = workers * rounds
            for turn in range(restarts):
                _wait_taken(mailbox, count * (turn + 1) * 8 // (restarts * 10))
                took.append(fleet[turn % workers].stop())
                name = f"r{turn}@%h"
                fleet[turn % workers] = stack.enter_context(installation.worker("-n", name))
        finally:
            publishing.join()
        doors.close()
        _wait_all_final(installation)
        outcome.figures |= _seconds_to_stop(took)
        judge(installation, [*doors.accepted, *doors.submitted], [mailbox]).tell(outcome)
    _expect_clean(outcome, took)
    outcome.seconds = time.monotonic() - began
    return outcome


def _wait_taken(mailbox: Mailbox, least: int) -> None:
    wait_until(lambda: mailbox.taken >= least, seconds=PATIENCE_SECONDS, what=f"{least} mails")


def _wait_all_final(installation: Installation) -> None:
    wait_until(lambda: not installation.open_count(), seconds=PATIENCE_SECONDS, what="everything being final")


def _expect_nothing_held(installation: Installation, outcome: Outcome) -> None:
    """What ran was ended, and what did not run is back in the queue at once."""
    sending = installation.queries.counts()["sending"]
    outcome.expect(that=not sending, else_fault=f"{sending} were left in the middle")
    unacked = installation.runtime.redis.zcard(INDEX)
    outcome.expect(that=not unacked, else_fault=f"{unacked} messages were not given back")


def _seconds_to_stop(took: list[float]) -> dict[str, float | int]:
    ordered = sorted(took)
    return {
        "stops": len(took),
        "median_seconds_to_stop": round(ordered[len(ordered) // 2], 2),
        "longest_seconds_to_stop": round(ordered[-1], 2),
    }


def _expect_clean(outcome: Outcome, took: list[float]) -> None:
    """A stop is no accident: it leaves nothing uncertain, and fits into the usual grace."""
    for name in ("marked_uncertain", "doubles_marked"):
        outcome.expect(that=not outcome.figures[name], else_fault=f"{name}: {outcome.figures[name]}")
    outcome.expect(that=max(took) < GRACE_SECONDS, else_fault=f"a stop took longer than {GRACE_SECONDS:g} s")
