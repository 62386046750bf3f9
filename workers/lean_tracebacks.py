"""Lets the tracebacks that Celery keeps share what they copy of the code.

For every exception that ends a task, billiard copies of each frame where in the source each instruction of
its code stands: 2,800 tuples or 180 KB for one pass that ends in waiting, in a ring of references that only
a full garbage collection breaks. A worker grew by 60 MB at the first outage of its servers, and stayed so.
What is copied follows from the code alone, so one copy of each is enough.
"""

from __future__ import annotations

import functools
from types import CodeType
from typing import Any, Final

from billiard import einfo

#: Far more than the functions that can stand in a traceback of ours.
CODES_MAXIMUM: Final = 2_048

_copy: Final[Any] = getattr(einfo, "_Code", None)


@functools.lru_cache(CODES_MAXIMUM)
def _shared(code: CodeType, _file: str) -> Any:
    return _copy(code)


def _of(code: CodeType) -> Any:
    # Codes of two files count as equal where they say the same at the same line.
    return _shared(code, code.co_filename)


def install() -> bool:
    """Have billiard make one copy of each code; whether this version of it makes copies."""
    frame: Any = getattr(einfo, "_Frame", None)
    if _copy is None or getattr(frame, "Code", None) is None:
        return False
    frame.Code = staticmethod(_of)
    return True
