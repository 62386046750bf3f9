"""Which loggers are heard, from which level on, and of which the words are written.

At DEBUG, libraries write down what they send: passwords, tokens, addresses of web hooks. Ours do not, and
those of Celery that would are cured in `workers.quiet_logs`.
"""

from __future__ import annotations

import functools
import logging
from typing import Final

#: Our rooms: their records are events.
OURS: Final = ("settings_store", "tasks", "workers", "console")
#: What runs us: it says what happens to the process, and nothing of what is sent.
RUNNERS: Final = ("celery", "kombu", "flower", "tornado", "uvicorn", "multiprocessing", "py")
#: Of these the words quote what a browser asked for: addresses that were searched, codes of a sign-in.
_QUOTING: Final = frozenset({"tornado.access", "tornado.application", "tornado.general", "uvicorn.access"})


@functools.cache
def speaks(name: str) -> bool:
    """Whether the words of a logger's records are written; of the others the place alone."""
    return name.partition(".")[0] in {*OURS, *RUNNERS} and name not in _QUOTING


def level_of(name: str, level: int) -> int:
    """From which level on a logger is heard, where `level` is what somebody set."""
    return level if speaks(name) else max(level, logging.WARNING)
