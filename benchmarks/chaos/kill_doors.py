"""kill -9 of the console and of workers while programs publish over HTTP and by the command line."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable

from benchmarks.chaos.ending import PATIENCE_SECONDS, come_to_the_end
from benchmarks.chaos.front_doors import FrontDoors
from benchmarks.chaos.judging import judge
from benchmarks.chaos.outcome import Outcome
from benchmarks.chaos.setting import Setting
from settings_store.access import Access
from tests.rigs.api_client import token_for
from tests.rigs.console import Console, running_console
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker

_ANSWER_SECONDS = 0.02


class Mortals:
    """A console and a worker, each of which is killed and started again."""

    def __init__(self, installation: Installation, stack: contextlib.ExitStack) -> None:
        self._installation = installation
        self._stack = stack
        self._numbers = itertools.count()
        self._console = self._new_console()
        self._worker = self._new_worker()

    def address(self) -> str:
        """Where the console is, or was."""
        return self._console.address

    def kill_console(self) -> None:
        """Kill the console; another takes its place at another port."""
        _kill_console(self._console)
        self._console = self._new_console()

    def kill_worker(self) -> None:
        """Kill the worker; another takes its place."""
        self._worker.kill()
        self._worker = self._new_worker()

    def kill_both(self) -> None:
        """Kill both at the same moment."""
        _kill_console(self._console)
        self._worker.kill()
        self._console = self._new_console()
        self._worker = self._new_worker()

    def end(self) -> None:
        """Kill the worker for good."""
        self._worker.kill()

    def _new_console(self) -> Console:
        folder = self._installation.folder / f"console-{next(self._numbers)}"
        return self._stack.enter_context(running_console(self._installation.server.url, folder))

    def _new_worker(self) -> Worker:
        return self._stack.enter_context(self._installation.worker())


def kill_doors(setting: Setting) -> Outcome:
    """Every notification that was answered with 202, or 200 when asked again, is final and there once."""
    count, kills = setting.size(60, 10_000), setting.size(1, 40)
    commands = setting.size(2, 60)
    outcome = Outcome("kill-doors", "kill -9 of console, worker and commands; HTTP and command line", count)
    dice, began = setting.dice(), time.monotonic()
    marks = sorted(dice.sample(range(count // 20, count * 8 // 10), kills))
    with (
        running_installation(setting.folder) as installation,
        open_mailbox() as mailbox,
        contextlib.ExitStack() as stack,
    ):
        installation.configure(primary=mailbox)
        installation.runtime.store.change({"console.requests_per_minute": 100_000}, author="chaos")
        mailbox.take_slowly(_ANSWER_SECONDS)
        mortals = Mortals(installation, stack)
        doors = FrontDoors(installation, mortals.address, token_for(Access(installation.runtime.redis)))
        publishing = _publishing(doors, count, commands, dice)
        _kill(mortals, doors, marks, publishing)
        for thread in publishing:
            thread.join()
        mortals.end()
        come_to_the_end(installation)
        accepted = installation.queries.accepted_ever()
        outcome.figures |= {
            "kills": kills,
            "commands_killed": doors.killed_commands,
            "replies_lost": doors.lost_replies,
            "told_to_be_there_already": doors.again,
            "keys": len(doors.receipts),
            "accepted": accepted,
        }
        ids = set(doors.receipts.values())
        judge(installation, sorted(ids), [mailbox]).tell(outcome)
    interrupted = doors.lost_replies + doors.killed_commands
    outcome.expect(that=interrupted > 0, else_fault="every kill came when nothing was left to lose")
    outcome.expect(that=len(doors.receipts) == count, else_fault="a publisher gave up")
    outcome.expect(that=len(ids) == accepted == count, else_fault=f"{accepted} accepted under {count} keys")
    outcome.seconds = time.monotonic() - began
    return outcome


def _publishing(doors: FrontDoors, count: int, commands: int, dice: random.Random) -> list[threading.Thread]:
    """Threads that publish so many by all front doors."""
    in_batches = count // 3
    tasks: list[Callable[[], None]] = [
        lambda: doors.singly(count - in_batches - commands),
        lambda: doors.in_batches(in_batches),
        lambda: doors.by_command_line(commands, random.Random(dice.random())),
    ]
    # An experiment that breaks off does not wait for them.
    threads = [threading.Thread(target=task, daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    return threads


def _kill(mortals: Mortals, doors: FrontDoors, marks: list[int], publishing: list[threading.Thread]) -> None:
    """Kill something whenever so many are accepted; each kind in turn."""
    kinds = itertools.cycle([mortals.kill_both, mortals.kill_console, mortals.kill_worker])
    for mark, kill in zip(marks, kinds, strict=False):
        _wait_receipts(doors, mark, publishing)
        kill()


def _wait_receipts(doors: FrontDoors, least: int, publishing: list[threading.Thread]) -> None:
    wait_until(
        lambda: len(doors.receipts) >= least or not any(map(threading.Thread.is_alive, publishing)),
        seconds=PATIENCE_SECONDS,
        what=f"{least} receipts",
    )


def _kill_console(console: Console) -> None:
    os.killpg(console.process.pid, signal.SIGKILL)
    console.process.wait()
