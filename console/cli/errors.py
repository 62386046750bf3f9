"""How a command ends other than well, as one tree; the exit code is part of the contract.

    CommandError
    ├── Failed            1  it was tried and did not work
    ├── BadInput          2  what was typed, piped or set in the environment cannot be used
    ├── NothingMatched    3  there is no such thing
    └── NotAllowed        4  somebody said no

Exit codes besides these: 0 done, 5 still open after `--wait`, 130 stopped by Ctrl-C, 141 nobody reads the
output any more.
"""

from __future__ import annotations

from typing import ClassVar

OK = 0
FAILED = 1
USAGE = 2
NOTHING_MATCHED = 3
NOT_ALLOWED = 4
STILL_OPEN = 5
#: As a shell reports a program that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
NOBODY_READS = 141


class CommandError(Exception):
    """Ends a command with a line on what is wrong and one on what to type next.

    Attributes:
        message: What is wrong, naming the thing; one line, and never a secret.
        hint: The next command, or what to look at; may be blank.
        details: Further lines, shown between the two.
    """

    exit_code: ClassVar[int] = FAILED

    def __init__(self, message: str, hint: str = "", *, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class Failed(CommandError):
    """It was tried and did not work."""


class BadInput(CommandError):
    """What was typed, piped or set in the environment cannot be used; nothing was done."""

    exit_code = USAGE


class NothingMatched(CommandError):
    """There is no such thing."""

    exit_code = NOTHING_MATCHED


class NotAllowed(CommandError):
    """Somebody, mostly Redis, does not let us."""

    exit_code = NOT_ALLOWED
