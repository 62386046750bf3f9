"""What a process counts while it delivers to servers that misbehave."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis
from prometheus_client import CollectorRegistry

from settings_store.keyring import Keyring, generate
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.ledger import Ledger
from tasks.metrics import ProcessTally
from tasks.metrics.process_tally import outcomes
from tasks.publisher import Published, Publisher
from tests.rigs.clock import START_MS
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import mail_server
from tests.rigs.notifications import email, text


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return generate(tmp_path_factory.mktemp("keys") / "keys.json")


def test_every_series_is_there_before_anything_happened() -> None:
    registry = CollectorRegistry()
    ProcessTally(registry)
    samples = [sample for family in registry.collect() for sample in family.samples]
    attempts = [sample for sample in samples if sample.name == "notify_attempts_total"]
    assert len(attempts) == 4 * len(set(outcomes()))
    assert all(sample.value == 0 for sample in samples if not sample.name.endswith("_created"))
    labels = {"channel": "text", "priority": "low"}
    assert registry.get_sample_value("notify_accepted_total", labels) == 0
    assert registry.get_sample_value("notify_delivery_seconds_count", {"channel": "text"}) == 0


def test_attempts_are_counted_by_server_stage_and_verdict_and_deliveries_by_their_time(
    redis_server: redis.Redis, keyring: Keyring
) -> None:
    registry = CollectorRegistry()
    bench = Bench(redis_server, keyring, tally=ProcessTally(registry))
    known = {_name(*labels) for labels in _attempts(registry)}
    with mail_server() as primary, mail_server() as secondary:
        bench.use(primary_email=primary, secondary_email=secondary)
        primary.answers["MAIL"] = "451 4.3.0 trouble"
        secondary.answers["DOT"] = "452 4.3.1 disk full"
        bench.accept_email("a@x.test", "b@x.test")
        bench.deliver()
        primary.answers.clear()
        assert bench.again().state == "delivered"
        bench.close()
    assert {key: value for key, value in _attempts(registry).items() if value} == {
        ("primary_email", "mail", "message_waits"): 1,
        ("secondary_email", "final", "message_waits"): 1,
        ("primary_email", "final", "delivered"): 1,
    }
    assert {_name(*labels) for labels in _attempts(registry)} == known
    waited = registry.get_sample_value("notify_delivery_seconds_sum", {"channel": "email"})
    assert waited is not None
    assert 15 <= waited < 16
    assert "x.test" not in repr(list(registry.collect()))


def test_a_mail_that_was_to_wait_counts_from_its_time(redis_server: redis.Redis, keyring: Keyring) -> None:
    registry = CollectorRegistry()
    bench = Bench(redis_server, keyring, tally=ProcessTally(registry))
    with mail_server() as primary:
        bench.use(primary_email=primary)
        bench.accept_email(not_before=datetime.fromtimestamp(START_MS / 1000 + 3600, tz=UTC).isoformat())
        assert bench.again().state == "delivered"
        bench.close()
    waited = registry.get_sample_value("notify_delivery_seconds_sum", {"channel": "email"})
    assert waited is not None
    assert waited < 1


def test_what_was_accepted_before_is_not_counted_again(redis_server: redis.Redis, valkey_url: str) -> None:
    registry = CollectorRegistry()
    bells = Bells(valkey_url)
    publisher = Publisher(
        SettingsStore(redis_server), Ledger(redis_server), bells, tally=ProcessTally(registry)
    )
    for answer in publisher.publish_many([email(id="one"), email(id="one"), text(priority="high")]):
        assert isinstance(answer, Published)
    publisher.accept(email(id="two"))
    publisher.accept(email(id="two"))
    bells.close()
    value = registry.get_sample_value
    assert value("notify_accepted_total", {"channel": "email", "priority": "normal"}) == 2
    assert value("notify_accepted_total", {"channel": "text", "priority": "high"}) == 1


def _attempts(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["server"], sample.labels["stage"], sample.labels["verdict"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "notify_attempts_total"
    }


def _name(*labels: str) -> str:
    return " ".join(labels)
