"""How a worker takes a message for our tasks: its arguments show nowhere, and a malformed one is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from celery import Celery, Task
from celery.exceptions import InvalidTaskError
from celery.worker import strategy
from celery.worker.request import Request

from tasks import message_headers
from tasks.later_start import taken_over

_EMBEDDED: Final = frozenset({"callbacks", "errbacks", "chain", "chord"})


class QuietRequest(Request):
    """A request whose arguments show in no event, log or inspection: a submission carries the message."""

    def __init__(self, message: Any, **more: Any) -> None:
        super().__init__(message, **more)
        if not _is_well_formed(message.payload):
            # It would fail outside the task, and stay unacknowledged for ever.
            raise InvalidTaskError("malformed (body)")
        if fault := message_headers.fault_of(self._request_dict):
            raise InvalidTaskError(f"malformed ({fault})")
        try:
            if self.eta is not None and taken_over(self._request_dict, self.eta, self.expires):
                self._eta: None = None
        except OverflowError:
            raise InvalidTaskError("malformed (eta)") from None
        # Another name for the task would stand in logs and events, and a sender may make it of anything.
        self.name = self._request_dict["shadow"] = self._type
        # What the sender wrote here goes along with the task, and from there into the records of its log.
        self._request_dict.update(argsrepr=self.argsrepr, kwargsrepr=self.kwargsrepr)

    @property
    def argsrepr(self) -> str:
        """Nothing."""
        return "()"

    @property
    def kwargsrepr(self) -> str:
        """Nothing."""
        return "{}"

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # Celery's signature
        """What `inspect active` shows, without arguments."""
        shown: dict[str, Any] = super().info(safe=safe)
        return {**shown, "args": [], "kwargs": {}}


def _is_well_formed(body: object) -> bool:
    """Whether a body is arguments, keyword arguments, and what Celery itself embeds."""
    match body:
        case [list(), dict(), None]:
            return True
        case [list(), dict(), dict() as embedded]:
            return embedded.keys() <= _EMBEDDED and all(
                value is None or isinstance(value, list | dict) for value in embedded.values()
            )
    return False


def take_well_formed(task: Task, app: Celery, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's own way to take a message, but one that is malformed is dropped.

    Celery would end the worker over it, and put the message back for the next worker to end over.
    """
    take = strategy.default(task, app, consumer, **options)

    def take_or_drop(*message: Any, **more: Any) -> Any:
        try:
            return take(*message, **more)
        except (AttributeError, LookupError, TypeError, ValueError) as fault:
            raise InvalidTaskError(f"malformed ({type(fault).__name__})") from None

    return take_or_drop
