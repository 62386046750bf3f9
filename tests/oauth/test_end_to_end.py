"""The whole way: the real msal, an identity service by HTTPS, XOAUTH2, Dovecot, Postfix, its Maildir."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tasks.oauth.kept_tokens import LOCK_SECONDS
from tasks.routing import server_of
from tests.rigs.certificates import Certificates
from tests.rigs.identity_service import APPLICATION, SECRET, TENANT, Hangs, IdentityService, refuses
from tests.rigs.installation import Installation, running_installation
from tests.rigs.planted import Planted, everything_in
from tests.rigs.postfix import MAILBOX, Postfix
from tests.rigs.processes import wait_until
from tests.rigs.whole_records import WHOLE_RECORDS

SENDER = "notify@corp.test"
SECRET_OPTION = "primary_email.client_secret"


@pytest.fixture
def installation(
    tmp_path: Path, certificates: Certificates, postfix: Postfix, service: IdentityService
) -> Iterator[Installation]:
    """An installation that sends by Postfix and signs in by tokens."""
    keys = tmp_path / "keys.json"
    generate(keys)
    service.issue = lambda: postfix.token(SENDER, roles=["SMTP.SendAsApp"])
    with running_installation(tmp_path / "installation", NOTIFY_KEY_FILE=str(keys)) as made:
        made.runtime.store.change(
            {
                "primary_email.server_name": "localhost",
                "primary_email.server_port": postfix.submission_port,
                "primary_email.enable_ssl": True,
                "primary_email.notification_address": f"Night Watch <{SENDER}>",
                "primary_email.application_id": APPLICATION,
                "primary_email.tenant_id": TENANT,
                SECRET_OPTION: SECRET,
                "tls.ca_bundle": certificates.bundle,
                "oauth.authority_host": service.host,
                "oauth.ca_bundle": certificates.bundle,
            },
            author="test",
        )
        yield made


def send(installation: Installation, mark: str) -> str:
    return installation.publish(to=[MAILBOX], subject=mark).id


def test_workers_sign_in_by_one_token_and_the_mail_is_in_the_mailbox(
    installation: Installation, postfix: Postfix, service: IdentityService, planted: Planted, tmp_path: Path
) -> None:
    planted.plant(SECRET)
    marks = [f"{tmp_path.name}-{number}-" for number in range(20)]
    with (
        installation.worker("--loglevel=DEBUG", prelude=WHOLE_RECORDS) as first,
        installation.worker("--hostname=second@%h") as second,
    ):
        ids = [send(installation, mark) for mark in marks]
        for each in ids:
            installation.wait_state(each, "delivered", seconds=90)
        for mark in marks:
            assert len(postfix.arrived(mark)) == 1
        assert service.token_requests == 1
        assert f"sasl_method=XOAUTH2, sasl_username={SENDER}" in postfix.maillog
        planted.plant(service.tokens[0])
        planted.look(first.log(), second.log(), *(repr(installation.record(each)) for each in ids))
        planted.look(*everything_in(installation.runtime.redis))


def test_a_revoked_token_is_replaced_without_anybody_noticing(
    installation: Installation, postfix: Postfix, service: IdentityService, tmp_path: Path
) -> None:
    good = service.issue
    service.issue = lambda: postfix.token("somebody.else@corp.test")
    primary = server_of(installation.runtime.store.snapshot(), "primary_email")
    assert primary is not None
    installation.runtime.tokens(primary)
    # As if it had been issued long ago; it is no good any more.
    (key,) = installation.runtime.redis.keys("notify:oauth:*:token")
    installation.runtime.redis.pexpire(str(key), 2_000_000)
    service.issue = good
    refused = postfix.failed_sign_ins()
    with installation.worker():
        sent = send(installation, tmp_path.name)
        record = installation.wait_state(sent, "delivered", seconds=60)
    assert len(postfix.arrived(tmp_path.name)) == 1
    assert len(record.timeline) == 1
    wait_until(lambda: postfix.failed_sign_ins() > refused, what="the refused token in the log")
    assert postfix.failed_sign_ins() == refused + 1
    assert service.token_requests == 2


def test_a_worker_that_is_killed_while_it_asks_holds_nobody_up_for_longer_than_its_lock_lives(
    installation: Installation, postfix: Postfix, service: IdentityService, tmp_path: Path
) -> None:
    service.next = [Hangs()]
    redis = installation.runtime.redis
    with installation.worker("--hostname=killed@%h") as worker:
        first = send(installation, f"{tmp_path.name}-1-")
        wait_until(lambda: service.token_requests == 1, seconds=60, what="the worker asking for a token")
        worker.kill()
    (lock,) = redis.keys("notify:oauth:*:fetching")
    assert 0 < int(redis.pttl(str(lock))) <= LOCK_SECONDS * 1000
    assert redis.keys("notify:oauth:*:token") == []
    with installation.worker("--hostname=next@%h"):
        second = send(installation, f"{tmp_path.name}-2-")
        installation.wait_state(second, "sending", seconds=60)
        assert service.token_requests == 1, "another one asks, as far as anybody knows"
        # The lock runs out, and so does the claim of the worker that was killed.
        installation.server.advance(LOCK_SECONDS + 1)
        for each in (first, second):
            installation.wait_state(each, "delivered", seconds=90)
    assert service.token_requests == 2
    for number in (1, 2):
        assert len(postfix.arrived(f"{tmp_path.name}-{number}-")) == 1


@pytest.mark.parametrize(
    "roles, reason",
    [
        (["SMTP.SendAsApp"], "the server refused the token: the mailbox is not granted to the application"),
        ([], "the server refused the token, which carries no permission SMTP.SendAsApp"),
    ],
)
def test_a_mailbox_that_is_not_granted_and_a_missing_permission_are_told_apart(
    installation: Installation, postfix: Postfix, service: IdentityService, roles: list[str], reason: str
) -> None:
    service.issue = lambda: postfix.token("somebody.else@corp.test", roles=roles)
    before = postfix.failed_sign_ins()
    with installation.worker():
        sent = send(installation, "refused")
        installation.wait_state(sent, "waiting", seconds=60)
        record = installation.record(sent)
    (attempt,) = record.timeline
    assert (attempt["stage"], attempt["verdict"], attempt["reason"]) == ("auth", "misconfigured", reason)
    wait_until(lambda: postfix.failed_sign_ins() > before, what="the refused token in the log")
    assert service.token_requests == 1, "a new token would be refused as well"


def test_an_expired_secret_is_said_and_a_new_one_holds_at_once(
    installation: Installation, postfix: Postfix, service: IdentityService, tmp_path: Path
) -> None:
    service.next = [refuses(7000222, "invalid_client", 401)]
    service.secret = "renewed sesame"
    with installation.worker():
        sent = send(installation, tmp_path.name)
        record = installation.wait_state(sent, "waiting", seconds=60)
        (attempt,) = record.timeline
        assert attempt["reason"] == "the client secret has expired (AADSTS7000222)"
        assert attempt["verdict"] == "misconfigured"
        installation.runtime.store.change({SECRET_OPTION: "renewed sesame"}, author="test")
        installation.server.advance(60)
        installation.wait_state(sent, "delivered", seconds=60)
    assert len(postfix.arrived(tmp_path.name)) == 1


def test_an_identity_service_that_is_away_is_a_server_that_is_down(
    installation: Installation, service: IdentityService
) -> None:
    service.stop()
    with installation.worker():
        sent = send(installation, "waits")
        record = installation.wait_state(sent, "waiting", seconds=60)
    (attempt,) = record.timeline
    assert (attempt["verdict"], attempt["reason"]) == (
        "server_down",
        "the identity service cannot be reached",
    )
