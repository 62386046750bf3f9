"""kill -9 at moments of chance: of a worker, of its parent alone, of a child, while all doors are in use."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

from benchmarks.chaos.doors import Doors
from benchmarks.chaos.doubles import Kill, noted, tell_doubles
from benchmarks.chaos.ending import PAST_THE_LEASE_SECONDS, PATIENCE_SECONDS, come_to_the_end, redeliver_now
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from tests.rigs.embedded import descendants, lives
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

PREFORK = ("--pool=prefork", "--concurrency=4")
#: How many notifications a worker with these options sends at once.
SLOTS: Final = {(): 16, PREFORK: 4}
_ANSWER_SECONDS = 0.02


def kill_the_group(worker: Worker) -> None:
    """The worker and all its children at once."""
    worker.kill()


def kill_the_parent(worker: Worker) -> None:
    """The parent of a pool alone: its children learn of it by themselves and end."""
    children = list(descendants(worker.process.pid))
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    wait_until(lambda: not any(map(lives, children)), seconds=60, what="the children ending")


def kill_a_child(worker: Worker) -> None:
    """One child of a pool; the parent puts another in its place and goes on."""
    children = [pid for pid in descendants(worker.process.pid) if lives(pid)]
    os.kill(children[-1], signal.SIGKILL)
    wait_until(lambda: not lives(children[-1]), what="the child being gone")


def kill_threads(setting: Setting) -> Outcome:
    """The whole worker, of the pool that is the default."""
    return _kill_again_and_again(
        setting, "kill-threads", "kill -9 of a worker with the pool of threads", (), kill_the_group
    )


def kill_prefork_parent(setting: Setting) -> Outcome:
    """The parent alone, of a prefork pool."""
    return _kill_again_and_again(
        setting, "kill-prefork-parent", "kill -9 of the parent of a prefork pool", PREFORK, kill_the_parent
    )


def kill_prefork_child(setting: Setting) -> Outcome:
    """A child, of a prefork pool."""
    return _kill_again_and_again(
        setting, "kill-prefork-child", "kill -9 of a child of a prefork pool", PREFORK, kill_a_child
    )


def kill_prefork_group(setting: Setting) -> Outcome:
    """Parent and children at once, of a prefork pool."""
    return _kill_again_and_again(
        setting, "kill-prefork-group", "kill -9 of a prefork pool, all of it", PREFORK, kill_the_group
    )


def _kill_again_and_again(
    setting: Setting, name: str, broken: str, options: tuple[str, ...], kill: Callable[[Worker], None]
) -> Outcome:
    count, kills = setting.size(120, 10_000), setting.size(2, 40)
    outcome = Outcome(name, broken, count)
    dice, began = setting.dice(), time.monotonic()
    marks = sorted(dice.sample(range(count // 20, count * 8 // 10), kills))
    with running_installation(setting.folder) as installation, open_mailbox() as mailbox:
        installation.configure(primary=mailbox)
        mailbox.take_slowly(_ANSWER_SECONDS)
        doors = Doors(installation)
        publishing = threading.Thread(
            target=lambda: list(doors.publish(count, dice, by_command_line=setting.size(1, 40)))
        )
        publishing.start()
        try:
            idle, killed = 0, list[Kill]()
            while marks:
                nothing_left, kills_made = _kill_until_it_ends(installation, mailbox, marks, options, kill)
                idle += nothing_left
                killed += kills_made
        finally:
            publishing.join()
        doors.close()
        outcome.expect(that=idle < kills, else_fault="every kill came when nothing was left to lose")
        come_to_the_end(installation, *options)
        lost_in_the_broker = [each for each in doors.submitted if installation.queries.get(each) is None]
        known = [*doors.accepted, *(set(doors.submitted) - set(lost_in_the_broker))]
        outcome.figures |= {
            "kills": kills,
            "by_publisher_and_command_line": len(doors.accepted),
            "by_submit": len(doors.submitted),
            "submitted_lost_in_the_broker_client": len(lost_in_the_broker),
        }
        judge(installation, known, [mailbox]).tell(outcome)
        tell_doubles(outcome, mailbox, killed, slots=SLOTS[options])
    outcome.seconds = time.monotonic() - began
    return outcome


def _kill_until_it_ends(
    installation: Installation,
    mailbox: Mailbox,
    marks: list[int],
    options: tuple[str, ...],
    kill: Callable[[Worker], None],
) -> tuple[int, list[Kill]]:
    """Start a worker and kill when so many mails were taken, until it is gone.

    The answer is how often nothing was left to lose, and the moments of the kills.

    Args:
        installation: Where.
        mailbox: Counts the mails.
        marks: Numbers of mails; those that were used are taken out.
        options: For the worker.
        kill: Kills it, or a part of it.
    """
    idle, killed = 0, list[Kill]()
    with installation.worker(*options) as worker:
        while marks and worker.process.poll() is None:
            _wait_taken(mailbox, marks.pop(0))
            idle += not installation.open_count() and not installation.runtime.redis.llen("notify.normal")
            with noted(killed):
                kill(worker)
        if worker.process.poll() is None:
            # What a killed child held waits for its lease, and time is not moved under a worker that lives.
            with noted(killed):
                worker.kill()
    installation.server.advance(PAST_THE_LEASE_SECONDS)
    redeliver_now(installation)
    return idle, killed


def _wait_taken(mailbox: Mailbox, least: int) -> None:
    wait_until(lambda: mailbox.taken >= least, seconds=PATIENCE_SECONDS, what=f"{least} mails")
