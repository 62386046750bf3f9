"""The spans of many that are published by one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tasks.portion import ACCEPT_AT_ONCE
from tasks.publisher import PublishInterrupted
from tasks.tracing import otel_tracer, tracer
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.notifications import email
from tests.rigs.publisher_door import door_to

_ALL = ACCEPT_AT_ONCE + 1


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[FaketimeRedis]:
    with faketime_redis(tmp_path) as server:
        yield server


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    used = otel_tracer.OtelTracer("test", SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracer, "_used", [used])
    return kept


def test_each_has_a_span_of_its_own_and_nothing_is_current_after_them(
    own_server: FaketimeRedis, spans: InMemorySpanExporter
) -> None:
    with door_to(own_server.url) as door:
        documents = [email(id=f"n{number}") for number in range(_ALL)]
        door.publisher.publish_many(documents)
        accepted = [each for each in spans.get_finished_spans() if each.name == "accept"]
        assert {(each.attributes or {})["messaging.message.id"] for each in accepted} == {
            f"n{number}" for number in range(_ALL)
        }
        traces = Counter(each.context.trace_id for each in accepted if each.context)
        assert set(traces.values()) == {1}
        assert otel_tracer._steps.get() is None


def test_what_kept_them_from_being_accepted_is_in_their_spans(
    own_server: FaketimeRedis, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_under_way: object) -> None:
        raise redis.ConnectionError

    with door_to(own_server.url) as door:
        monkeypatch.setattr("tasks.round_trip.UnderWay.answer", away)
        with pytest.raises(PublishInterrupted):
            door.publisher.publish_many([email(), email()])
        with pytest.raises(redis.ConnectionError):
            door.publisher.publish(email())
    told = [each.status.description for each in spans.get_finished_spans() if each.name == "accept"]
    assert told == ["ConnectionError"] * 3
    assert otel_tracer._steps.get() is None
