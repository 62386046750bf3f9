"""What is asked again until Redis answers, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from settings_store.followed_password import follow_password
from settings_store.redis_client import connect
from tasks.delivery.insist import STOPPING_PATIENCE_SECONDS, Insist, is_lasting
from tasks.ledger import Ledger
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer


class Asked:
    """A call that fails so often, and the time that passes between."""

    def __init__(self, error: redis.RedisError, times: int) -> None:
        self.error = error
        self.left = times
        self.now = 100.0
        self.tries = 0
        self.stopping_at = 1e9

    def __call__(self) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "answer"

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def insist(self) -> str:
        insist = Insist(self.pause, stopping=lambda: self.now >= self.stopping_at, clock=lambda: self.now)
        return insist(self)


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError("refused"),
        redis.TimeoutError("too long"),
        redis.AuthenticationError("the password was changed"),
        redis.exceptions.BusyLoadingError("loads"),
        redis.exceptions.ReadOnlyError("a replica"),
        redis.ResponseError("MISCONF Redis is configured to save snapshots, but cannot"),
        redis.ResponseError("BUSY Redis is busy running a script"),
    ],
    ids=lambda error: type(error).__name__ + str(error)[:8],
)
def test_what_passes_is_asked_again_until_it_has(error: redis.RedisError) -> None:
    asked = Asked(error, 50)
    assert asked.insist() == "answer"
    assert asked.tries == 51


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.NoPermissionError("no rights"),
        redis.exceptions.OutOfMemoryError("full"),
        redis.ResponseError("WRONGTYPE Operation against a key"),
        redis.DataError("no such type"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_no_time_cures_is_asked_once_and_told(
    error: redis.RedisError, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(error, 1)
    with pytest.raises(type(error)):
        asked.insist()
    assert asked.tries == 1
    assert caplog.messages == [f"ledger_refuses error={type(error).__name__}"]


def test_a_process_that_is_to_end_asks_for_a_few_seconds_more() -> None:
    asked = Asked(redis.ConnectionError("away"), 10_000)
    asked.stopping_at = 160.0
    with pytest.raises(redis.ConnectionError):
        asked.insist()
    assert 160.0 + STOPPING_PATIENCE_SECONDS <= asked.now <= 165.0 + 5.0 + STOPPING_PATIENCE_SECONDS


def test_a_redis_that_comes_back_just_then_is_told() -> None:
    asked = Asked(redis.ConnectionError("away"), 30)
    asked.stopping_at = 100.0
    assert asked.insist() == "answer"


def test_a_real_redis_that_refuses_ends_the_pass_and_keeps_no_slot(
    bench: Bench, primary: MailServer, valkey_url: str
) -> None:
    bench.redis.acl_setuser("worker", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@all"])
    client = connect(valkey_url.replace("redis://", "redis://worker:secret@"))
    ledger = Ledger(client, revision_key=bench.store.revision_key, clock=TEST_CLOCK)
    deliverer = bench.new_deliverer(ledger=ledger)
    bench.accept_email()
    forbid = ["-evalsha", "-eval"]
    primary.answers["DOT"] = once(lambda: bench.redis.acl_setuser("worker", enabled=True, commands=forbid))
    try:
        with pytest.raises(redis.exceptions.NoPermissionError):
            deliverer.deliver(ID)
    finally:
        bench.redis.acl_deluser("worker")
        client.close()
    assert len(primary.taken) == 1
    assert bench.has_intent(), "its lease runs out, and it is uncertain"


def test_a_password_that_is_changed_while_a_server_answers_is_read_anew_and_nothing_is_uncertain(
    bench: Bench, primary: MailServer, valkey_url: str, tmp_path: Path
) -> None:
    bench.redis.acl_setuser("worker", enabled=True, passwords=["+old"], keys=["*"], categories=["+@all"])
    file = tmp_path / "redis-url"
    file.write_text(valkey_url.replace("redis://", "redis://worker:old@"), encoding="utf-8")
    url = file.read_text(encoding="utf-8")
    client = follow_password(connect(url, retries=0), file, url)
    ledger = Ledger(client, revision_key=bench.store.revision_key, clock=TEST_CLOCK)
    waits: list[float] = []

    def change() -> None:
        bench.redis.acl_setuser("worker", enabled=True, passwords=["-old", "+new"])
        client.connection_pool.disconnect()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            file.write_text(valkey_url.replace("redis://", "redis://worker:new@"), encoding="utf-8")

    bench.accept_email()
    primary.answers["DOT"] = once(change)
    try:
        assert bench.new_deliverer(ledger=ledger, pause=wait).deliver(ID).state == "delivered"
    finally:
        bench.redis.acl_deluser("worker")
        client.close()
    assert len(waits) == 3, "it was refused with the old one until then"
    assert bench.story() == ["primary_email final delivered"]


def test_the_errors_of_the_library_are_sorted_by_kind_and_not_by_chance() -> None:
    assert is_lasting(redis.exceptions.AuthorizationError())
    assert not is_lasting(redis.exceptions.ClusterDownError("CLUSTERDOWN"))
    assert not is_lasting(redis.RedisError("unknown"))
