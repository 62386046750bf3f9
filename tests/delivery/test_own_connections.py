"""Our own limits of connections at once: each has a slot from before it is opened until it is closed."""

from __future__ import annotations

from collections.abc import Collection

import pytest
import redis

from tasks.limits import Limits, Renewed, Slot
from tests.rigs.another_worker import Another
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer

AT_ONCE = "our own limit of connections at once"


def slots(client: redis.Redis) -> int:
    """Connections that the ledger of limits counts now."""
    return sum(int(client.zcard(key)) for key in client.scan_iter("notify:limit:*:slots"))


def test_a_connection_has_a_slot_for_as_long_as_it_is_open(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_connections=2)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert (slots(bench.redis), bench.pool.idle_count) == (1, 1)
    for number in range(5):
        bench.accept_email(id=f"m{number}")
        assert bench.deliverer.deliver(f"m{number}").state == "delivered"
    assert (slots(bench.redis), primary.connections) == (1, 1)
    bench.clock.advance(29)
    bench.admission.renew()
    bench.clock.advance(2)
    assert slots(bench.redis) == 1
    bench.admission.renew()
    assert (slots(bench.redis), bench.pool.idle_count) == (0, 0), "it idled too long and was closed"


def test_a_worker_without_a_connection_waits_a_moment_and_gets_one_that_idles(
    bench: Bench, primary: MailServer, secondary: MailServer, another: Another
) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    bench.accept_email()
    result = another.deliverer.deliver(ID)
    assert (result.state, result.wait_seconds, result.reason) == (
        "waiting",
        120.0,
        f"primary_email: {AT_ONCE}",
    )
    assert bench.record().passes == 0
    bench.admission.renew()
    assert (bench.pool.idle_count, slots(bench.redis)) == (0, 0)
    bench.wait()
    assert another.deliverer.deliver(ID).state == "delivered"
    assert (primary.connections, secondary.connections) == (2, 0)


def test_a_connection_that_is_used_is_kept_while_what_waits_in_another_worker_is_called(
    bench: Bench, primary: MailServer, another: Another
) -> None:
    bench.set(limits__primary_email_connections=1)
    for name in ("first", "second"):
        bench.accept_email(id=name)
    bench.accept_email()
    assert bench.deliverer.deliver("first").state == "delivered"
    assert another.deliverer.deliver(ID).state == "waiting"
    assert bench.deliverer.deliver("second").state == "delivered"
    assert (bench.pool.idle_count, slots(bench.redis)) == (1, 1)
    assert primary.connections == 1


@pytest.mark.parametrize("step", ["GREETING", "AUTH", "MAIL", "DOT"])
def test_a_connection_that_fails_gives_its_slot_back_at_once(
    bench: Bench, primary: MailServer, step: str
) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.sign_in("primary_email")
    primary.answers[step] = "421 4.3.0 closing"
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    assert slots(bench.redis) == 0


def test_a_stale_connection_hands_its_place_to_the_new_one(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="first")
    bench.deliverer.deliver("first")
    primary.answers["MAIL"] = ["421 4.4.2 idle too long"]
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert (primary.connections, slots(bench.redis)) == (2, 1)


def test_a_server_that_hung_up_meanwhile_costs_no_slot(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="first")
    bench.deliverer.deliver("first")
    primary.go_down()
    primary.come_up()
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert slots(bench.redis) == 1


@pytest.mark.usefixtures("primary")
def test_a_slot_whose_lease_ran_out_closes_its_connection(bench: Bench, another: Another) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="first")
    bench.deliverer.deliver("first")
    bench.clock.advance(29.5)
    bench.clock.advance(0.6)
    bench.accept_email()
    assert another.deliverer.deliver(ID).state == "delivered"
    bench.admission.renew()
    assert (bench.pool.idle_count, another.pool.idle_count) == (0, 1)


@pytest.mark.usefixtures("primary")
def test_a_connection_from_before_the_limit_takes_a_slot_with_its_next_message_or_is_closed(
    bench: Bench, another: Another
) -> None:
    bench.accept_email(id="first")
    bench.accept_email(id="second")
    bench.deliverer.deliver("first")
    another.deliverer.deliver("second")
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="third")
    bench.accept_email()
    assert bench.deliverer.deliver("third").state == "delivered"
    assert another.deliverer.deliver(ID).state == "waiting"
    assert (another.pool.idle_count, slots(bench.redis)) == (0, 1)


def test_a_test_of_a_server_takes_a_slot_and_gives_it_back(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_connections=1, delivery__breaker_failures=1)
    primary.go_down()
    bench.accept_email()
    bench.deliver()
    primary.come_up()
    seen: list[int] = []
    primary.answers["NOOP"] = lambda: seen.append(slots(bench.redis))
    assert bench.probe() == "closed"
    assert (seen, slots(bench.redis)) == ([1], 0)


def test_without_limits_a_connection_is_counted_when_it_is_opened_and_no_message_asks(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    count = Limits.count

    def counting(limits: Limits, account: str, holder: str, *, revision: int | None) -> Slot:
        counted.append(holder)
        return count(limits, account, holder, revision=revision)

    monkeypatch.setattr(Limits, "count", counting)
    monkeypatch.delattr(Limits, "take")
    for number in range(3):
        bench.accept_email(id=f"m{number}")
        assert bench.deliverer.deliver(f"m{number}").state == "delivered"
    assert (primary.connections, len(counted), slots(bench.redis)) == (1, 1, 1)
    bench.pool.close()
    assert slots(bench.redis) == 0


def test_no_connection_is_opened_beyond_a_limit_while_another_worker_keeps_one_from_before_it(
    bench: Bench, primary: MailServer, another: Another
) -> None:
    bench.accept_email(id="first")
    assert another.deliverer.deliver("first").state == "delivered"
    bench.set(limits__primary_email_connections=1)
    bench.accept_email()
    assert bench.deliver().reason == f"primary_email: {AT_ONCE}"
    another.admission.renew()
    assert (another.pool.idle_count, primary.connections) == (0, 1)
    assert bench.again().state == "delivered"
    assert (primary.connections, primary.most_open) == (2, 1)


@pytest.mark.parametrize("per_minute", [0, 30])
def test_a_limit_that_is_saved_while_a_pass_is_on_its_way_holds_for_it(
    bench: Bench,
    primary: MailServer,
    another: Another,
    monkeypatch: pytest.MonkeyPatch,
    per_minute: int,
) -> None:
    """It had read the options before, and neither opens a connection by them nor tells others of them."""
    bench.set(limits__primary_email_messages_per_minute=per_minute)
    bench.accept_email(id="first")
    assert another.deliverer.deliver("first").state == "delivered"
    count = Limits.count
    save = once(lambda: bench.set(limits__primary_email_connections=1))

    def counting(limits: Limits, account: str, holder: str, *, revision: int | None) -> Slot:
        save()
        return count(limits, account, holder, revision=revision)

    monkeypatch.setattr(Limits, "count", counting)
    bench.accept_email()
    assert bench.deliver().reason == f"primary_email: {AT_ONCE}"
    assert (primary.connections, bench.record().passes) == (1, 0)


def test_a_connection_that_is_closed_while_its_lease_is_renewed_keeps_no_place(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    renew = Limits.renew

    def renew_late(limits: Limits, found: Collection[Slot]) -> Renewed:
        bench.pool.close()
        return renew(limits, found)

    monkeypatch.setattr(Limits, "renew", renew_late)
    bench.admission.renew()
    bench.clock.advance(5)
    bench.accept_email(id="n2")
    assert bench.deliverer.deliver("n2").state == "delivered"
    assert primary.most_open == 1


def test_connections_are_closed_before_their_leases_end_where_redis_is_away(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise redis.ConnectionError

    bench.set(limits__primary_email_connections=1)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    with monkeypatch.context() as while_away:
        while_away.setattr(Limits, "renew", away)
        bench.clock.advance(19)
        bench.admission.renew()
        assert primary.open_now == 1
        bench.clock.advance(1)
        bench.admission.renew()
    assert (bench.pool.idle_count, primary.open_now) == (0, 0)
