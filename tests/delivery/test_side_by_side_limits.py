"""Limits, options and Redis where the passes of a batch go side by side."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import redis

from settings_store.keyring import Keyring
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks.delivery.deliverer import Deliverer
from tasks.ledger import Ledger
from tasks.strands import aside
from tasks.transports.idle_connections import Limits as IdleLimits
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.severable import severable
from tests.rigs.side_by_side import DELIVERED, IDS, ONCE, MakeBatch, got

# -- limits, options, Redis


@pytest.mark.parametrize("follows", [True, False], ids=["behind texts", "one after another"])
@pytest.mark.parametrize("connections", [1, 2])
def test_few_connections_that_are_allowed_carry_all(
    batch_of: MakeBatch, bench: Bench, primary: MailServer, connections: int, *, follows: bool
) -> None:
    batch = batch_of(6)
    bench.set(limits__primary_email_connections=connections)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.02)
    if not follows:
        primary.offers = ("SIZE 10000000",)
    batch.accept()
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert primary.most_open == connections


@pytest.mark.parametrize("connections", [1, 3])
def test_whoever_finds_no_connection_leaves_the_rest_to_those_that_have_one(
    batch_of: MakeBatch, bench: Bench, primary: MailServer, connections: int
) -> None:
    slots = 6
    batch = batch_of(slots)
    bench.set(limits__primary_email_connections=connections)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.0)
    # None follows behind a text, so that nobody else comes to a connection.
    primary.offers = ("SIZE 10000000",)
    batch.accept()
    assert batch.run() == []
    became = Counter(batch.became.values())
    assert became["waiting"] <= slots - 1
    assert became["delivered"] == len(IDS) - became["waiting"]
    batch.run_until_delivered()
    assert got(primary) == ONCE


def test_what_is_urgent_has_the_only_connection_before_what_comes_with_it(
    batch_of: MakeBatch, bench: Bench, primary: MailServer
) -> None:
    def wait(seconds: float) -> None:
        bench.clock.advance(seconds)
        aside(lambda: time.sleep(0.001))

    batch = batch_of(4, deliverer=bench.new_deliverer(pause=wait))
    bench.set(limits__primary_email_connections=1)
    bench.pool._idle._limits = IdleLimits(wait_seconds=0.02)
    batch.accept(*IDS[:-1])
    batch.accept(IDS[-1], priority="high")
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert primary.most_open == 1


def test_options_that_change_in_the_middle_hold_for_whoever_was_not_sent_by_then(
    batch_of: MakeBatch, bench: Bench, primary: MailServer
) -> None:
    batch = batch_of(4)
    batch.accept()
    with mail_server() as other:
        changed = threading.Lock()

        def change() -> str:
            if changed.acquire(blocking=False):
                bench.use(primary_email=other)
            return "250 2.0.0 queued"

        primary.answers["DOT"] = change
        assert batch.run() == []
        assert batch.became == DELIVERED
        assert got(primary, other) == ONCE
        assert 1 <= len(primary.texts) <= 4
        bench.close()


@pytest.fixture
def cut_off(
    redis_server: redis.Redis, valkey_url: str, keyring: Keyring, bench: Bench
) -> Iterator[tuple[Deliverer, Callable[[], None], list[float]]]:
    """A deliverer whose way to Redis can be cut; that is mended where it pauses for the third time."""
    assert redis_server is bench.redis
    pauses: list[float] = []
    with severable(valkey_url) as way:
        client = connect(f"redis://127.0.0.1:{way.port}/0", retries=0)
        store = SettingsStore(client, keyring=keyring)
        ledger = Ledger(client, revision_key=store.revision_key, clock=TEST_CLOCK)

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                way.mend()
            aside(lambda: time.sleep(0.001))

        yield bench.new_deliverer(ledger=ledger, store=store, pause=pause), way.cut, pauses
        client.close()


def test_a_redis_that_goes_away_in_the_middle_and_comes_back_loses_and_doubles_nothing(
    batch_of: MakeBatch,
    primary: MailServer,
    cut_off: tuple[Deliverer, Callable[[], None], list[float]],
) -> None:
    deliverer, cut, pauses = cut_off
    batch = batch_of(4, deliverer=deliverer)
    batch.accept()
    texts = iter(range(len(IDS)))

    def cut_at_the_fifth() -> str:
        if next(texts) == 4:
            cut()
        return "250 2.0.0 queued"

    primary.answers["DOT"] = cut_at_the_fifth
    batch.run_until_delivered()
    assert got(primary) == ONCE
    assert len(pauses) >= 3
    assert set(batch.states().values()) == {"delivered"}
