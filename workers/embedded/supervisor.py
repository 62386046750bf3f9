"""Keeps the children running: starts them, starts again what dies, and ends them in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from workers.embedded.announce import Announcer
from workers.embedded.child import Child, Program
from workers.embedded.child_log import ChildLog
from workers.embedded.errors import ChildKeepsFailing, NotReady
from workers.embedded.stop_signal import StopSignal

DEATHS_AT_ONCE_MAXIMUM = 5
_LOG_LINES_SHOWN = 15
_READY_POLL_SECONDS = 0.05
_TRIM_SECONDS = 5.0


class StopAsked(Exception):
    """Somebody asked for a stop while children were still starting."""


class Supervisor:
    """The children in the order of their start; leaving the `with` block ends them, the last one first."""

    def __init__(self, logs: Path, announcer: Announcer, stop: StopSignal) -> None:
        self._logs = logs
        self._announcer = announcer
        self._stop = stop
        self._children: list[Child] = []
        self._trimmed_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()

    def start(self, programs: Sequence[Program]) -> list[Child]:
        """Start programs side by side."""
        children = [Child(program, ChildLog(self._logs / f"{program.name}.log")) for program in programs]
        for child in children:
            self._children.append(child)
            child.start()
        return children

    def wait_ready(self, child: Child, *, seconds: float) -> None:
        """Wait until a child does its work, starting again what dies meanwhile.

        Raises:
            NotReady: It takes longer.
            StopAsked: A stop was asked for.
            ChildKeepsFailing: A child died at once, again and again.
        """
        deadline = time.monotonic() + seconds
        while not child.ready():
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{child.program.name} is not ready after {seconds:.0f} s",
                    hint=f"its log is {child.log.path}",
                )
            self._look_after(_READY_POLL_SECONDS)
            if self._stop.asked:
                raise StopAsked

    def watch(self) -> None:
        """Stay until a stop is asked for.

        Raises:
            ChildKeepsFailing: A child died at once, again and again.
        """
        while not self._stop.asked:
            self._look_after(_TRIM_SECONDS)

    def _look_after(self, seconds: float) -> None:
        """Wait a while; tell who died and start again who is due."""
        due = [child.start_again_at for child in self._children if child.pid is None]
        self._stop.wait(min([seconds, *(at - time.monotonic() for at in due)]))
        for child in self._children:
            ended = child.died()
            if ended:
                self._tell_death(child, ended)
            if child.pid is None and time.monotonic() >= child.start_again_at and not self._stop.asked:
                child.start()
        if time.monotonic() - self._trimmed_at > _TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            for child in self._children:
                child.log.trim()

    def _tell_death(self, child: Child, ended: str) -> None:
        if child.deaths_at_once >= DEATHS_AT_ONCE_MAXIMUM:
            lines = "".join(f"\n    {line}" for line in child.log.tail(_LOG_LINES_SHOWN))
            raise ChildKeepsFailing(
                f"{child.program.name} ended {ended} at once, {child.deaths_at_once} times in a row; "
                f"its last lines:{lines}",
                hint=f"its whole log is {child.log.path}",
            )
        wait = child.start_again_at - time.monotonic()
        self._announcer.note(f"{child.program.name} ended {ended}; starting it again in {wait:.1f} s")

    def _end_all(self) -> None:
        asked_before = self._stop.asked
        if self._children:
            self._announcer.say("\nStopping")
        try:
            for child in reversed(self._children):
                self._end(child, asked_before)
        finally:
            for child in self._children:
                child.kill()

    def _end(self, child: Child, asked_before: int) -> None:
        began = time.monotonic()
        child.ask_to_end()
        while not child.ended() and self._stop.asked <= asked_before:
            left = began + child.program.grace_seconds - time.monotonic()
            if left <= 0:
                self._announcer.note(f"{child.program.name} did not end in time and is killed")
                break
            self._stop.wait(left)
        child.kill()
        self._announcer.done(f"{child.program.name} stopped", time.monotonic() - began)
