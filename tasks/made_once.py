"""A part that is made when it is first asked for, once, however many threads ask at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

Part = TypeVar("Part")


class Owner(Protocol):
    """What has such parts: its lock is reentrant, because making one part may make others."""

    making: threading.RLock


class made_once(Generic[Part]):  # noqa: N801  # used as the decorator that it is
    """`functools.cached_property` with the lock that it lost in Python 3.12."""

    def __init__(self, make: Callable[[Any], Part]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, _owner: type[object], name: str) -> None:
        self._name = name

    def __get__(self, owner: Owner, _type: type[object] | None = None) -> Part:
        """The part; from the second time on Python finds it without coming here."""
        with owner.making:
            parts = owner.__dict__
            if self._name not in parts:
                parts[self._name] = self._make(owner)
            part: Part = parts[self._name]
            return part
