"""Claims live as long as their pass, in the process that makes it, and not a moment of a lost one longer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis

from tasks.delivery.lease import LeaseKeeper
from tasks.ledger import Claim, Ledger
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import ID, NEVER_SECONDS, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.processes import wait_until

OFTEN_SECONDS = 0.005


def claimed(bench: Bench) -> Claim:
    bench.accept_email()
    claim = bench.ledger.claim(ID, worker="w1")
    assert isinstance(claim, Claim)
    return claim


def lease_until(bench: Bench) -> int:
    return int(str(bench.redis.hget(f"notify:n:{ID}", "lease_until")))


def wait_for_renewal(bench: Bench) -> None:
    expected = bench.clock.now_ms + 30_000
    wait_until(lambda: lease_until(bench) == expected, what="the renewal")


def test_a_claim_is_renewed_while_it_is_kept_and_not_after(bench: Bench) -> None:
    keeper = LeaseKeeper(bench.ledger, every_seconds=NEVER_SECONDS)
    claim = claimed(bench)
    with keeper.keeping(claim):
        bench.clock.advance(20)
        keeper.renew_all()
        assert lease_until(bench) == bench.clock.now_ms + 30_000
    before = lease_until(bench)
    bench.clock.advance(20)
    keeper.renew_all()
    assert lease_until(bench) == before
    keeper.close()


def test_a_claim_is_not_kept_after_its_pass_crashed(bench: Bench) -> None:
    keeper = LeaseKeeper(bench.ledger, every_seconds=NEVER_SECONDS)
    claim = claimed(bench)
    with pytest.raises(ZeroDivisionError), keeper.keeping(claim):
        raise ZeroDivisionError
    before = lease_until(bench)
    bench.clock.advance(20)
    keeper.renew_all()
    assert lease_until(bench) == before
    keeper.close()


def test_the_thread_renews_by_itself(bench: Bench) -> None:
    keeper = LeaseKeeper(bench.ledger, every_seconds=OFTEN_SECONDS)
    with keeper.keeping(claimed(bench)):
        for _ in range(3):
            bench.clock.advance(25)
            wait_for_renewal(bench)
    keeper.close()


def test_a_lost_claim_is_dropped_and_told_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    keeper = LeaseKeeper(bench.ledger, every_seconds=NEVER_SECONDS)
    with keeper.keeping(claimed(bench)):
        bench.clock.advance(31)
        other = bench.ledger.claim(ID, worker="other")
        assert isinstance(other, Claim)
        keeper.renew_all()
        keeper.renew_all()
        assert lease_until(bench) == bench.clock.now_ms + 30_000
    assert [each.getMessage() for each in caplog.records] == [f"lease_lost notification={ID}"]
    keeper.close()


class EndsWhileRenewing(Ledger):
    """A pass ends between the moment its claim is looked up and the moment it is renewed."""

    end: threading.Event
    ended: threading.Event

    def renew(self, claim: Claim) -> float:
        self.end.set()
        assert self.ended.wait(20)
        return super().renew(claim)


def test_a_pass_that_ended_meanwhile_has_no_lease_to_lose(
    bench: Bench, redis_server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = EndsWhileRenewing(redis_server, clock=TEST_CLOCK)
    ledger.end, ledger.ended = threading.Event(), threading.Event()
    keeper = LeaseKeeper(ledger, every_seconds=NEVER_SECONDS)
    with keeper.keeping(claimed(bench)):
        renewing = threading.Thread(target=keeper.renew_all)
        renewing.start()
        assert ledger.end.wait(20)
        bench.ledger.cancel(ID, by="ops")
        bench.clock.advance(31)
        bench.ledger.sweep("normal", room=1)
    ledger.ended.set()
    renewing.join()
    assert bench.state() == "cancelled"
    assert caplog.records == []
    keeper.close()


class Away(Ledger):
    """A ledger that does not answer for a while."""

    is_away = True

    def renew(self, claim: Claim) -> float:
        if self.is_away:
            raise redis.ConnectionError("PLANTED words of the library")
        return super().renew(claim)


def test_a_ledger_that_is_away_loses_no_claim_by_that_alone(
    bench: Bench, redis_server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Away(redis_server, clock=TEST_CLOCK)
    keeper = LeaseKeeper(ledger, every_seconds=NEVER_SECONDS)
    with keeper.keeping(claimed(bench)):
        bench.clock.advance(20)
        keeper.renew_all()
        ledger.is_away = False
        keeper.renew_all()
        assert lease_until(bench) == bench.clock.now_ms + 30_000
    assert [each.getMessage() for each in caplog.records] == [
        f"lease_not_renewed notification={ID} error=ConnectionError"
    ]
    keeper.close()


def test_a_pass_that_is_longer_than_a_lease_keeps_its_claim(bench: Bench, primary: MailServer) -> None:
    keeper = LeaseKeeper(bench.ledger, every_seconds=OFTEN_SECONDS)

    def take_long() -> None:
        for _ in range(4):
            bench.clock.advance(25)
            wait_for_renewal(bench)
            assert not bench.ledger.sweep("normal", room=10).ring

    primary.answers["DATA"] = primary.answers["DOT"] = take_long
    bench.accept_email()
    deliverer = bench.new_deliverer(leases=keeper)
    assert deliverer.deliver(ID).state == "delivered"
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 200_000
    assert (bench.record().lapses, primary.heard) == (0, ["a@x.test"])
    keeper.close()


def test_a_pass_without_a_keeper_at_work_would_lose_it(bench: Bench, primary: MailServer) -> None:
    def take_long() -> None:
        bench.clock.advance(31)
        bench.ledger.sweep("normal", room=10)

    primary.answers["DATA"] = take_long
    bench.accept_email()
    assert not bench.deliver().ran
    assert (bench.record().lapses, primary.heard) == (1, [])


_FORKED = """
import os, sys, threading
from tasks.delivery.lease import LeaseKeeper

class Counting:
    def __init__(self):
        self.renewed = []
    def renew(self, claim):
        self.renewed.append((os.getpid(), claim.id))
        renewing.set()
        held.wait()
        return 30.0

class Claim:
    def __init__(self, name):
        self.id = self.token = name

renewing, held = threading.Event(), threading.Event()
ledger = Counting()
keeper = LeaseKeeper(ledger, every_seconds=0.001)
with keeper.keeping(Claim("parent")):
    assert renewing.wait(20)
    # A thread of the parent is in the keeper at this moment, with its lock or without it.
    kept = keeper._of_this_process()
    with kept.lock:
        child = os.fork()
    if child == 0:
        ledger.renewed.clear()
        renewing, held = threading.Event(), threading.Event()
        held.set()
        keeper.renew_all()
        assert ledger.renewed == []
        with keeper.keeping(Claim("child")):
            assert renewing.wait(20)
            assert {pair for pair in ledger.renewed} == {(os.getpid(), "child")}
        keeper.close()
        os._exit(7)
    held.set()
    _, status = os.waitpid(child, 0)
    assert {name for _, name in ledger.renewed} == {"parent"}
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_of_a_fork_renews_its_own_claims_alone(tmp_path: Path) -> None:
    script = tmp_path / "forked.py"
    script.write_text(_FORKED, encoding="utf-8")
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 7, ended.stderr
