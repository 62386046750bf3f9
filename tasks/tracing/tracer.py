"""What the code that is traced calls; it does nothing until a process begins to trace."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Literal, Protocol

Kind = Literal["internal", "producer", "consumer", "client"]
Attribute = str | bool | int | float | list[str]


class Span(Protocol):
    """Something that takes time."""

    def set(self, attributes: Mapping[str, Attribute | None]) -> None:
        """Add attributes; what is None is left out."""

    def fail(self, what: str) -> None:
        """Say that it failed; in words of ours, without an address."""

    @property
    def carrier(self) -> str:
        """Its ids as a `traceparent` (W3C Trace Context); blank where nothing is traced."""


class Tracer(Protocol):
    """Makes spans."""

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        link: str = "",
        since_ns: int | None = None,
        current: bool = True,
    ) -> AbstractContextManager[Span]:
        """A span for the block.

        Args:
            name: What it is.
            kind: Its part in the exchange of messages.
            parent: The `traceparent` that it belongs to; None for what is current, blank for nothing.
            link: The `traceparent` that it follows, blank for none; in a trace of its own.
            since_ns: When it began, in Unix nanoseconds; None for now.
            current: Whether spans of the block belong to it.
        """

    def step(self, name: str) -> AbstractContextManager[object]:
        """A part of the span that is current; parts of the same name that follow each other are one."""

    def carrier(self) -> str:
        """The `traceparent` of what is current; blank where there is nothing."""

    def flush(self) -> None:
        """Send what was kept, before a process ends by itself."""


class NoSpan:
    """Keeps nothing."""

    carrier: Final = ""

    def set(self, attributes: Mapping[str, Attribute | None]) -> None:
        """Nothing."""

    def fail(self, what: str) -> None:
        """Nothing."""


_NO_SPAN: Final = nullcontext(NoSpan())


class NoTracer:
    """Makes none."""

    def span(self, name: str, **more: Any) -> AbstractContextManager[Span]:  # noqa: ARG002  # the protocol's
        """Nothing."""
        return _NO_SPAN

    def step(self, name: str) -> AbstractContextManager[object]:  # noqa: ARG002  # the protocol's
        """Nothing."""
        return _NO_SPAN

    def carrier(self) -> str:
        """Nothing."""
        return ""

    def flush(self) -> None:
        """Nothing."""


_used: list[Tracer] = [NoTracer()]


def use(tracer: Tracer) -> None:
    """Have this process trace by it."""
    _used[:] = [tracer]


def is_on() -> bool:
    """Whether this process traces at all."""
    return not isinstance(_used[0], NoTracer)


def tracer() -> Tracer:
    """The one in use."""
    return _used[0]


def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    link: str = "",
    since_ns: int | None = None,
    current: bool = True,
) -> AbstractContextManager[Span]:
    """As `Tracer.span`, by the tracer in use."""
    return _used[0].span(name, kind=kind, parent=parent, link=link, since_ns=since_ns, current=current)


def step(name: str) -> AbstractContextManager[object]:
    """As `Tracer.step`, by the tracer in use."""
    return _used[0].step(name)


def carrier() -> str:
    """As `Tracer.carrier`, by the tracer in use."""
    return _used[0].carrier()
