"""Which pool a worker is to have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

DEFAULT_POOL: Final = "threads"


def pool_choice(arguments: Sequence[str]) -> str:
    """The pool for `worker_pool`: threads, unless the command line names prefork.

    Celery cannot tell `--pool=prefork` from its own default, and lets what is configured win over it; every
    other pool that is named wins by itself.
    """
    for place, argument in enumerate(arguments):
        following = arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument in {"--pool=prefork", "-Pprefork"} or (argument, following) in {
            ("--pool", "prefork"),
            ("-P", "prefork"),
        }:
            return "prefork"
    return DEFAULT_POOL
