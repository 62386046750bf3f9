"""How many passes a process makes at once: as many as it has slots, whoever brought them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

#: A process with one slot, which cannot know of all who wait for it, leaves it after this in any case.
ALONE_SECONDS: Final = 5.0

#: Nobody is patient for longer than this: those that want less go before, and may come for ever.
LONGEST_PATIENCE_SECONDS: Final = 30.0


def nobody_is_known_to() -> bool:
    """What says whether somebody waits where nobody can be asked."""
    return False


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for places: how many, how many at the least, and those that were given."""

    wanted: int
    least: int
    places: int = 0
    presses: bool = False
    given: threading.Event = field(default_factory=threading.Event)


class Room:
    """The passes under way in one process, never more than it has slots; safe between threads.

    A worker that is killed leaves as many mails uncertain as it was sending: that is what this bounds.
    Who waits is woken when there is something for them: all of them at every change cost a tenth of the
    processor time of batches.

    Args:
        slots: How many there may be.
        others_wait: Whether somebody waits for a slot outside of this process, as far as is known.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        slots: Callable[[], int],
        *,
        others_wait: Callable[[], bool] = nobody_is_known_to,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._others_wait = others_wait
        self._clock = clock
        self._lock = threading.Lock()
        self._taken = 0
        #: In the order in which they came.
        self._line: list[_Waiting] = []
        #: So many of them have no patience left.
        self._pressing = 0
        self._soon_done_at = float("-inf")
        self._staying = 0

    def take(self, wanted: int, *, patience_seconds: float = 0.0) -> int:
        """Take as many places as are free, no more than wanted; how many that are.

        Where none is, one that somebody has beyond the first is waited for: its pass is finished before.

        Args:
            wanted: How many.
            patience_seconds: Before that, wait so long at the most for half of all places, or for what is
                wanted: many for a short time do more than one for a long time. It begins anew as often as
                somebody is done soon, but does not last longer than `LONGEST_PATIENCE_SECONDS`.
        """
        least = min(wanted, max(self._slots() // 2, 1)) if patience_seconds else 1
        with self._lock:
            if self._free >= max(least, 1):
                return self._given(wanted)
            mine = _Waiting(wanted, least, presses=not patience_seconds)
            self._line.append(mine)
            self._pressing += mine.presses
        try:
            if patience_seconds:
                self._be_patient(mine, patience_seconds)
            mine.given.wait()
        except BaseException:
            self._give_up(mine)
            raise
        return mine.places

    def leave(self, places: int = 1, *, soon_done: bool = False) -> None:
        """Give places back.

        Args:
            places: How many.
            soon_done: Whether these are the last of somebody who has done all that they had to do, and soon.
        """
        with self._lock:
            self._taken -= places
            if soon_done:
                self._soon_done_at = self._clock()
            self._hand_out()

    @contextlib.contextmanager
    def staying(self, *, for_long: bool = True) -> Iterator[Callable[[], bool]]:
        """Within it, ask to stay in one's place past one's time: half of the places are for those that do.

        Where there is one place alone it is theirs as long as nobody waits for a slot, and not for long.

        Args:
            for_long: Whether one may stay as long as there is something to do: not where a broker waits to
                hear that a task has ended, and gives it to somebody else after minutes.
        """
        stays, until = False, self._clock() + ALONE_SECONDS

        def stay() -> bool:
            nonlocal stays
            if self.is_for_one:
                return self._clock() < until and not self._others_wait()
            with self._lock:
                if for_long and not stays and self._staying < self._slots() // 2:
                    stays = True
                    self._staying += 1
                return stays

        try:
            yield stay
        finally:
            with self._lock:
                self._staying -= stays

    @property
    def is_for_one(self) -> bool:
        """Whether there is a single slot, as in a child of a pool of processes."""
        return self._slots() == 1

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for a place: whoever has several is to give some back."""
        return self._taken + self._pressing > self._slots()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Have the one place of a slot while the block runs."""
        self.take(1)
        try:
            yield
        finally:
            self.leave()

    @property
    def _free(self) -> int:
        return max(self._slots(), 1) - self._taken

    def _given(self, wanted: int) -> int:
        """How many of those that are free somebody has now."""
        places = max(min(wanted, self._free), 1)
        self._taken += places
        return places

    def _hand_out(self) -> None:
        """Give what is free to those who wait, first come first served, where it is enough for them."""
        for each in tuple(self._line):
            free = self._free
            if free < 1:
                return
            if free >= each.least:
                each.places = self._given(each.wanted)
                self._leave_line(each)
                each.given.set()

    def _be_patient(self, mine: _Waiting, seconds: float) -> None:
        until = self._clock() + seconds
        latest = self._clock() + max(seconds, LONGEST_PATIENCE_SECONDS)
        while not mine.given.wait(max(until - self._clock(), 0.0)):
            with self._lock:
                until = min(self._soon_done_at + seconds, latest)
                if self._clock() < until or mine.places:
                    continue
                mine.least, mine.presses = 1, True
                self._pressing += 1
                self._hand_out()
                return

    def _give_up(self, mine: _Waiting) -> None:
        with self._lock:
            if mine.places:
                self._taken -= mine.places
            else:
                self._leave_line(mine)
            self._hand_out()

    def _leave_line(self, who: _Waiting) -> None:
        self._line.remove(who)
        self._pressing -= who.presses
