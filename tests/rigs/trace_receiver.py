"""A collector of traces that speaks OTLP over HTTP, as a real one does, and keeps what it gets."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.rigs.processes import wait_until


@dataclass(frozen=True)
class ReceivedSpan:
    """One span, with its ids in hexadecimal."""

    service: str
    name: str
    kind: int
    trace: str
    span: str
    parent: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    error: str
    start_ns: int
    end_ns: int


@dataclass
class TraceReceiver:
    """What was received."""

    port: int
    spans: list[ReceivedSpan] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to send its spans here, each soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    def named(self, name: str) -> list[ReceivedSpan]:
        return [each for each in list(self.spans) if each.name == name]

    def wait(self, name: str, count: int = 1) -> list[ReceivedSpan]:
        """Wait for so many spans of a name; all of that name then."""
        wait_until(lambda: len(self.named(name)) >= count, seconds=40, what=f"{count} spans {name!r}")
        return self.named(name)

    def take(self, body: bytes) -> None:
        """Keep what a request brought."""
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_read(str(service), each) for each in scope.spans]


def _read(service: str, span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        kind=span.kind,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((each.trace_id.hex(), each.span_id.hex()) for each in span.links),
        attributes=_plain(span.attributes),
        error=span.status.message if span.status.code == 2 else "",
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


@contextlib.contextmanager
def trace_receiver() -> Iterator[TraceReceiver]:
    """A running one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces", self.path
            receiver.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = TraceReceiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
