"""Begins to trace where the environment asks for it, by OpenTelemetry's own variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from settings_store.logs import EventLog
from tasks.tracing import tracer

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_TIMEOUTS: Final = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
#: Whoever waits for a command, or for the end of a program that publishes, waits no longer for a collector.
_PATIENCE_SECONDS: Final = 2.0
#: What runs on has the time that the SDK gives, 10 s.
_LASTING: Final = frozenset({"notify-worker", "notify-console"})
_log = EventLog(__name__)
_begun: list[int] = []


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a collector, or asks for the exporter, and does not turn tracing off."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get(_EXPORTER, "")
    return exporter == "otlp" or (not exporter and any(environ.get(name) for name in _ENDPOINTS))


def begin(service: str, environ: Mapping[str, str] = os.environ) -> None:
    """Trace from now on, where that is asked for and can be done; a second time does nothing.

    Spans go to the collector by OTLP over HTTP, in batches, by a thread of the SDK's: a collector that is
    away costs spans and nothing else. A child of a fork begins a thread of its own.

    Args:
        service: `notify-worker`, `notify-console`, `notify-publisher` or `notify-cli`, where
            `OTEL_SERVICE_NAME` says no other.
        environ: The environment.
    """
    if _begun or not wanted(environ):
        return
    _begun.append(os.getpid())
    try:
        # Here, and not above: who does not trace pays nothing for it.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        from tasks.tracing.otel_tracer import OtelTracer  # noqa: PLC0415

        exporter = OTLPSpanExporter(timeout=_timeout(service, environ))
        tracer.use(OtelTracer(service, BatchSpanProcessor(exporter)))
    except ImportError:
        _log.warning("tracing_not_installed", cure="pip install 'notify-worker[tracing]'")
    except Exception as error:  # noqa: BLE001  # whatever the SDK makes of a variable that it cannot use
        # A figure that is wrong in a variable for traces keeps no mail from going out.
        _log.error("tracing_not_begun", error=type(error).__name__, cure="look at the variables OTEL_*")


def _timeout(service: str, environ: Mapping[str, str]) -> float | None:
    is_brief = service not in _LASTING and not any(environ.get(name) for name in _TIMEOUTS)
    return _PATIENCE_SECONDS if is_brief else None


def flush() -> None:
    """Send what is kept, where a process ends without telling the library."""
    tracer.tracer().flush()
