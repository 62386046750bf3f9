"""A fault of one worker alone gives the claim back: it holds nothing, spends nothing and tells no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings_store.keyring import Keyring, generate
from settings_store.store import SettingsStore
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer

A, B = "a@x.test", "b@x.test"
SECRET = "correct horse battery"


def unfit_store(bench: Bench, keyring: Keyring | None) -> SettingsStore:
    return SettingsStore(bench.redis, keyring=keyring)


@pytest.fixture
def signed_in(bench: Bench, primary: MailServer) -> MailServer:
    bench.sign_in("primary_email", SECRET)
    return primary


@pytest.mark.parametrize("kind", ["no key file", "another key"])
def test_a_worker_that_cannot_open_the_password_leaves_it_to_another(
    bench: Bench, signed_in: MailServer, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    keyring = None if kind == "no key file" else generate(tmp_path / "other.json")
    unfit = bench.new_deliverer(store=unfit_store(bench, keyring), worker="w2")
    bench.accept_email()
    result = unfit.deliver(ID)
    assert (result.state, result.wait_seconds) == ("queued", 10.0)
    assert result.reason.startswith(
        "worker w2 cannot use the options: primary_email.authentication_password: "
    )
    record = bench.record()
    assert (record.passes, record.lapses) == (0, 0)
    assert record.reason == result.reason
    assert bench.queries.due_scores()["normal"][ID] == bench.clock.now_ms + 10_000
    seal = bench.store.snapshot().seal("primary_email.authentication_password")
    told = [result.reason, *(each.getMessage() for each in caplog.records)]
    assert not any(SECRET in each or seal in each for each in told)
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "AUTH" not in signed_in.verbs
    assert bench.deliver().state == "delivered"
    assert signed_in.got == [A]


def test_what_was_sent_before_the_fault_is_kept_and_not_sent_again(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("secondary_email", SECRET)
    primary.answers[f"RCPT {B}"] = "550 5.1.1 no such user"
    bench.accept_email(A, B)
    unfit = bench.new_deliverer(store=unfit_store(bench, None))
    assert unfit.deliver(ID).state == "queued"
    assert bench.outcomes() == "do"
    assert not bench.has_intent()
    assert bench.again().state == "delivered"
    assert (primary.asked, secondary.got) == ([A, B], [B])


def test_options_that_cannot_be_read_give_the_claim_back(bench: Bench, primary: MailServer) -> None:
    bench.accept_email()
    good = bench.redis.hget(bench.store.revision_key, "values")
    bench.redis.hset(bench.store.revision_key, "values", f"no JSON {SECRET}")
    result = bench.new_deliverer(store=unfit_store(bench, None)).deliver(ID)
    assert (result.state, result.wait_seconds) == ("queued", 10.0)
    assert SECRET not in result.reason
    assert bench.record().lapses == 0
    bench.redis.hset(bench.store.revision_key, "values", str(good))
    assert bench.again().state == "delivered"
    assert primary.got == [A]
