"""The steps by which a file is fetched, told to whoever wants to know how far it is."""

from __future__ import annotations

import contextlib
import enum
from contextlib import AbstractContextManager
from typing import Final, Protocol


class Step(enum.Enum):
    """What is done with a path, in this order, and then what is asked of a scheduler.

    PATH: it is read. ALLOWED: it is held against the options; nothing was asked of its place. RESOLVE,
    CONNECT: to the host. SIGN_IN, SHARE: under the account. OPEN, READ: the file. TOKEN: the sign-in at a
    scheduler. LIST: which outputs a job has. OUTPUT: one of them.
    """

    PATH = "path"
    ALLOWED = "allowed"
    RESOLVE = "resolve"
    CONNECT = "connect"
    SIGN_IN = "sign_in"
    SHARE = "share"
    OPEN = "open"
    READ = "read"
    TOKEN = "token"  # noqa: S105  # a step's name
    LIST = "list"
    OUTPUT = "output"


class Steps(Protocol):
    """Told of steps in the middle of them: it must be quick."""

    def step(self, step: Step, place: str = "") -> AbstractContextManager[None]:
        """Do a step inside.

        Args:
            step: Which.
            place: Where: a host, an address, a share or a file; the same step may be made at several.
        """
        ...

    def referred(self, places: tuple[str, ...]) -> None:
        """The step before was answered with other places, where the file is looked for now."""
        ...


class _Unwatched:
    """Tells nobody."""

    def step(self, step: Step, place: str = "") -> AbstractContextManager[None]:
        """Nothing."""
        del step, place
        return contextlib.nullcontext()

    def referred(self, places: tuple[str, ...]) -> None:
        """Nothing."""


UNWATCHED: Final[Steps] = _Unwatched()
