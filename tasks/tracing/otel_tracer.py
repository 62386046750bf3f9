"""A tracer of OpenTelemetry's SDK. Imported only where traces are asked for: its packages are an extra."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from tasks.tracing.trace_parent import TraceParent, read_trace_parent
from tasks.tracing.tracer import Attribute, Kind

_KINDS: Final[Mapping[Kind, trace.SpanKind]] = {
    "internal": trace.SpanKind.INTERNAL,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
}


@dataclass(slots=True)
class _Steps:
    """The last step of the span that is current, not told yet: the next one may be of the same name."""

    parent: trace.Span
    name: str = ""
    since_ns: int = 0
    until_ns: int = 0
    codes: list[int] = field(default_factory=list)


_steps: ContextVar[_Steps | None] = ContextVar("notify_trace_steps", default=None)


class OtelSpan:
    """A span of the SDK."""

    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner

    def set(self, attributes: Mapping[str, Attribute | None]) -> None:
        """Add attributes; what is None is left out."""
        for name, value in attributes.items():
            if value is not None:
                self._inner.set_attribute(name, value)

    def fail(self, what: str) -> None:
        """Say that it failed."""
        self._inner.set_status(trace.Status(trace.StatusCode.ERROR, what))

    @property
    def carrier(self) -> str:
        """Its ids."""
        return _carrier(self._inner.get_span_context())


class OtelTracer:
    """Makes spans and hands them to a processor.

    Args:
        service: The name of the service, where the environment does not say another.
        processor: What takes the spans that ended.
    """

    def __init__(self, service: str, processor: SpanProcessor) -> None:
        # What the environment says comes after the default, and holds.
        resource = Resource({SERVICE_NAME: service}).merge(_of_environment())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("notify")

    @contextlib.contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        link: str = "",
        since_ns: int | None = None,
        current: bool = True,
    ) -> Iterator[OtelSpan]:
        """A span for the block; an error that leaves it is named by its type alone."""
        followed = read_trace_parent(link)
        inner = self._tracer.start_span(
            name,
            context=_context(parent),
            kind=_KINDS[kind],
            links=[trace.Link(_span_context(followed))] if followed else [],
            start_time=since_ns,
        )
        token = otel_context.attach(trace.set_span_in_context(inner)) if current else None
        steps = _steps.set(_Steps(inner))
        try:
            yield OtelSpan(inner)
        except BaseException as error:
            # Not the SDK's own way, which keeps the words of an error and its traceback.
            inner.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            self._tell_step(_steps.get())
            _steps.reset(steps)
            if token is not None:
                otel_context.detach(token)
            inner.end()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A part of the span that is current."""
        steps = _steps.get()
        if steps is None:
            yield
            return
        began = time.time_ns()
        try:
            yield
        finally:
            if steps.name != name:
                self._tell_step(steps)
                steps.name, steps.since_ns = name, began
            steps.until_ns = time.time_ns()

    def carrier(self) -> str:
        """The ids of what is current."""
        found = trace.get_current_span().get_span_context()
        return _carrier(found) if found.is_valid else ""

    def flush(self) -> None:
        """Send what was kept."""
        self._provider.force_flush(2_000)

    def _tell_step(self, steps: _Steps | None) -> None:
        if steps is None or not steps.name:
            return
        inner = self._tracer.start_span(
            steps.name,
            context=trace.set_span_in_context(steps.parent),
            start_time=steps.since_ns,
        )
        inner.end(end_time=steps.until_ns)
        steps.name = ""


def _context(parent: str | None) -> Any:
    """None is what is current; blank, or what cannot be read, is nothing."""
    if parent is None:
        return None
    found = read_trace_parent(parent)
    if found is None:
        return otel_context.Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(_span_context(found)), otel_context.Context())


def _span_context(parent: TraceParent) -> trace.SpanContext:
    return trace.SpanContext(
        parent.trace_id, parent.span_id, is_remote=True, trace_flags=trace.TraceFlags(parent.flags)
    )


def _carrier(found: trace.SpanContext) -> str:
    return str(TraceParent(found.trace_id, found.span_id, int(found.trace_flags)))


def _of_environment() -> Resource:
    """What `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, and nothing that nobody said."""
    said = Resource.create().attributes
    unnamed = str(said.get(SERVICE_NAME, "")).startswith("unknown_service")
    return Resource({name: value for name, value in said.items() if name != SERVICE_NAME or not unnamed})
