"""Starts a program on a leash: it dies with the process that started it, even when that one is killed.

`python leash.py <pid of the owner> <program> <argument>...` becomes that program. The kernel keeps the leash
over the change (prctl(2), PR_SET_PDEATHSIG; Linux only: elsewhere the program runs without one).
Run by its path: it needs nothing of ours, and so starts in a few hundredths of a second.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put the leash on and become the program."""
    owner, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        # SIGKILL: Redis has every accepted write on disk, a lease ends by itself, and no child may linger.
        failed = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        # The owner may have ended before the leash was on; then nothing would ever pull it.
        if failed or os.getppid() != owner:
            sys.exit("the process that started this one is gone")
    os.execv(program[0], program)  # noqa: S606 - becoming the program given by our own supervisor is the point


if __name__ == "__main__":
    main()
