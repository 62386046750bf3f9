"""Why `make up` does not start or does not stay.

EmbeddedFault
├── CannotStart
│   ├── AlreadyRunning      another `make up` uses this data folder
│   ├── PortTaken           another program listens where one of ours should
│   ├── FolderUnusable      the data folder or a file of it cannot be read or written
│   ├── RedisUnusable       no Redis-compatible server can be had or reached
│   ├── NotReady            a part runs and does not do its work in time
│   └── ChildKeepsFailing   a part dies at once, again and again
├── NotRunning              a command needs a running `make up`, and there is none
└── SwitchRefused           the running `make up` did not stop or start the inbox
"""

from __future__ import annotations


class EmbeddedFault(Exception):
    """A fault that a person at the terminal can mend.

    Attributes:
        hint: What to do next.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class CannotStart(EmbeddedFault):
    """`make up` ends with exit code 1."""


class AlreadyRunning(CannotStart):
    """Another `make up` uses this data folder."""


class PortTaken(CannotStart):
    """Another program listens where one of ours should."""


class FolderUnusable(CannotStart):
    """The data folder or a file of it cannot be read or written."""


class RedisUnusable(CannotStart):
    """No Redis-compatible server can be had or reached."""


class NotReady(CannotStart):
    """A part runs and does not do its work in time."""


class ChildKeepsFailing(CannotStart):
    """A part dies at once, again and again; carries the last lines of its log."""


class NotRunning(EmbeddedFault):
    """A command needs a running `make up`, and there is none."""


class SwitchRefused(EmbeddedFault):
    """The running `make up` did not stop or start the inbox."""
