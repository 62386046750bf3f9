"""The real msal against an identity service on loopback."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from settings_store.errors import MissingKey
from tasks.oauth import fetching
from tasks.oauth.endpoint import IdentityEndpoint
from tasks.oauth.fetching import fetch_token
from tasks.transports.failure import TokenFailure
from tests.rigs.certificates import Certificates, from_a_stranger, from_an_authority_of_old
from tests.rigs.identity_service import (
    APPLICATION,
    SCOPE,
    SECRET,
    TENANT,
    Answers,
    Drips,
    Hangs,
    IdentityService,
    identity_service,
    refuses,
)
from tests.rigs.planted import Planted
from tests.rigs.processes import free_port
from tests.rigs.web_proxy import web_proxy

MAILBOX = "notify@corp.test"
OTHER_GUID = "00000000-0000-0000-0000-000000000001"


def failure_of(service: IdentityService, certificates: Certificates, **changes: object) -> TokenFailure:
    with pytest.raises(TokenFailure) as caught:
        fetch_token(service.sign_in(MAILBOX, certificates.bundle, **changes))
    return caught.value


def test_a_token_comes_with_its_lifetime_by_one_discovery_and_one_request(
    service: IdentityService, certificates: Certificates
) -> None:
    fresh = fetch_token(service.sign_in(MAILBOX, certificates.bundle))
    assert (fresh.text, fresh.lifetime_seconds) == ("token", 3599)
    assert service.asked == [
        f"/{TENANT}/v2.0/.well-known/openid-configuration",
        f"/{TENANT}/oauth2/v2.0/token",
    ]
    assert "token'" not in repr(fresh)


def test_a_proxy_that_looks_into_tls_may_have_an_authority_of_old(tmp_path: Path) -> None:
    bundle, _, context = from_an_authority_of_old(tmp_path)
    with identity_service(context) as service:
        assert fetch_token(service.sign_in(MAILBOX, bundle)).text == "token"


def test_every_fetch_is_a_new_one_and_no_refusal_is_remembered(
    service: IdentityService, certificates: Certificates
) -> None:
    issued = iter(["first", "second"])
    service.issue = lambda: next(issued)
    sign_in = service.sign_in(MAILBOX, certificates.bundle)
    assert fetch_token(sign_in).text == "first"
    service.next = [refuses(7000222, "invalid_client", 400)]
    failure_of(service, certificates)
    assert fetch_token(sign_in).text == "second"


def test_the_environment_has_no_say(
    service: IdentityService, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    assert fetch_token(service.sign_in(MAILBOX, certificates.bundle)).text == "token"


def test_a_proxy_is_asked_for_a_tunnel_and_sees_nothing_of_what_goes_through(
    service: IdentityService, certificates: Certificates
) -> None:
    with web_proxy() as proxy:
        endpoint = IdentityEndpoint(service.host, SCOPE, certificates.bundle, proxy.address)
        assert fetch_token(service.sign_in(MAILBOX, certificates.bundle, endpoint=endpoint)).text == "token"
        assert {*proxy.asked} == {service.host}
        assert service.token_requests == 1
        assert len(proxy.passed) > 1000, "it must all have gone through"
        for hidden in (SECRET, TENANT, APPLICATION, "client_credentials"):
            assert hidden.encode() not in proxy.passed


def test_a_proxy_in_the_middle_cannot_show_another_certificate(
    service: IdentityService, certificates: Certificates
) -> None:
    with identity_service(from_a_stranger()) as stranger, web_proxy() as proxy:
        endpoint = IdentityEndpoint(stranger.host, SCOPE, certificates.bundle, proxy.address)
        failure = failure_of(service, certificates, endpoint=endpoint)
        assert str(failure) == "the identity service's certificate is not trusted"
        assert stranger.asked == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_proxy_that_refuses_or_is_away_is_a_fault_that_may_pass_and_is_never_gone_round(
    service: IdentityService, certificates: Certificates, *, is_there: bool
) -> None:
    with web_proxy() as proxy:
        proxy.refuses = True
        address = proxy.address if is_there else f"http://127.0.0.1:{free_port()}"
        endpoint = IdentityEndpoint(service.host, SCOPE, certificates.bundle, address)
        failure = failure_of(service, certificates, endpoint=endpoint)
        assert str(failure) == "the proxy to the identity service does not let us through"
        assert failure.transient
        assert bool(proxy.asked) is is_there
    assert service.asked == []


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"tenant_id": OTHER_GUID}, "the identity service knows no such tenant (AADSTS90002)"),
        ({"application_id": OTHER_GUID}, "the tenant knows no such application (AADSTS700016)"),
        ({"secret": "another"}, "the client secret is wrong (AADSTS7000215)"),
    ],
)
def test_what_is_wrong_with_the_options_is_told_apart(
    service: IdentityService, certificates: Certificates, changes: dict[str, object], words: str
) -> None:
    failure = failure_of(service, certificates, **changes)
    assert (str(failure), failure.transient) == (words, False)


def test_a_scope_that_the_service_does_not_know_is_told(
    service: IdentityService, certificates: Certificates
) -> None:
    endpoint = IdentityEndpoint(service.host, "https://outlook.office365.com/SMTP.Send", certificates.bundle)
    failure = failure_of(service, certificates, endpoint=endpoint)
    assert "does not know the scope" in str(failure)


@pytest.mark.parametrize(
    "refusal, words",
    [
        (refuses(7000222, "invalid_client", 401), "the client secret has expired (AADSTS7000222)"),
        (
            refuses(7000112, "unauthorized_client"),
            "the application is disabled in the tenant (AADSTS7000112)",
        ),
        (
            refuses(501051, "invalid_grant"),
            "the application has no permission that an administrator consented to (AADSTS501051)",
        ),
        (
            refuses(53003, "access_denied"),
            "a policy of the tenant (conditional access) forbids the application to sign in (AADSTS53003)",
        ),
        (
            refuses(99999, "invalid_client", 401),
            "the identity service does not accept application and client secret (AADSTS99999)",
        ),
        (refuses(99999, "odd"), "the identity service refuses to issue a token (AADSTS99999)"),
        (Answers(400, b'{"error": "invalid_scope"}'), "the identity service does not know the scope"),
        (Answers(400, b"<html>"), "the answer is not that of an identity service"),
        (Answers(200, b"<html>"), "the answer is not that of an identity service"),
        (Answers(200, b'{"access_token": ""}'), "the answer is not that of an identity service"),
        (Answers(200, b'{"access_token": 5, "expires_in": 5}'), "the answer is not that of an identity"),
        (Answers(200, b"x" * 2_000_000), "the answer is not that of an identity service"),
        (
            Answers(307, headers={"Location": "https://evil.test/"}),
            "the identity service sends us elsewhere, where no secret is sent",
        ),
    ],
)
def test_a_refusal_is_told_in_words_and_an_operator_must_act(
    service: IdentityService, certificates: Certificates, refusal: Answers, words: str
) -> None:
    service.next = [refusal]
    failure = failure_of(service, certificates)
    assert words in str(failure)
    assert not failure.transient
    assert service.token_requests == 1


@pytest.mark.parametrize(
    "answer, seconds",
    [
        (Answers(503), None),
        (Answers(500, b"<html>"), None),
        (Answers(429, headers={"Retry-After": "77"}), 77),
        (Answers(503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), None),
        (refuses(90033, "temporarily_unavailable"), None),
        (refuses(50196, "invalid_grant"), None),
    ],
)
def test_a_service_that_is_busy_is_no_fault_of_the_options(
    service: IdentityService, certificates: Certificates, answer: Answers, seconds: int | None
) -> None:
    service.next = [answer]
    failure = failure_of(service, certificates)
    assert (failure.transient, failure.retry_after_seconds) == (True, seconds)
    assert "busy or out of order" in str(failure)
    # The same once more, at discovery, where such an answer says no more about us.
    service.discovery = answer
    if answer.status != 400:
        assert failure_of(service, certificates).transient


def test_a_service_that_is_away_is_no_fault_of_the_options(certificates: Certificates) -> None:
    with identity_service(certificates.context()) as service:
        pass
    failure = failure_of(service, certificates)
    assert (str(failure), failure.transient) == ("the identity service cannot be reached", True)


@pytest.mark.parametrize("behaviour", [Hangs(), Drips(), Drips(headers=True)])
def test_a_service_that_never_ends_its_answer_is_given_up(
    service: IdentityService,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Hangs | Drips,
) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 2.0)
    service.next = [behaviour]
    began = time.monotonic()
    failure = failure_of(service, certificates)
    assert (str(failure), failure.transient) == ("the identity service does not answer in time", True)
    assert time.monotonic() - began < 60


def test_a_service_with_a_wrong_certificate_is_sent_no_secret(certificates: Certificates) -> None:
    for context in (from_a_stranger(), certificates.for_another_name(), certificates.expired()):
        with identity_service(context) as service:
            failure = failure_of(service, certificates)
            assert str(failure) == "the identity service's certificate is not trusted"
            assert not failure.transient
            assert service.asked == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_cannot_be_read_is_named(
    service: IdentityService, certificates: Certificates, tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    failure = failure_of(
        service, certificates, endpoint=IdentityEndpoint(service.host, ca_bundle=str(bundle))
    )
    assert (str(failure), failure.transient) == (
        "the CA bundle of the identity service cannot be read",
        False,
    )


def test_a_token_endpoint_without_tls_is_sent_no_secret(
    service: IdentityService, certificates: Certificates
) -> None:
    plain = f"http://localhost:{free_port()}/{TENANT}"
    found = {
        "issuer": f"{plain}/v2.0",
        "authorization_endpoint": f"{plain}/authorize",
        "token_endpoint": f"{plain}/token",
    }
    service.discovery = Answers(200, json.dumps(found).encode())
    failure = failure_of(service, certificates)
    assert not failure.transient
    assert service.token_requests == 0


def test_a_secret_that_this_process_cannot_open_is_no_fault_of_the_service(
    service: IdentityService, certificates: Certificates
) -> None:
    def unopened() -> str:
        raise MissingKey("primary_email.client_secret", "k1")

    with pytest.raises(MissingKey):
        fetch_token(service.sign_in(MAILBOX, certificates.bundle, client_secret=unopened))
    assert service.asked == []


def test_no_failure_shows_the_secret_or_what_the_service_said(
    service: IdentityService, certificates: Certificates, planted: Planted
) -> None:
    planted.plant(SECRET)
    secret = planted.secret("clientsecret")
    for answer in (refuses(7000222, "invalid_client", 401), Answers(200, SECRET.encode()), Answers(503)):
        service.next = [answer]
        failure = failure_of(service, certificates, secret=secret)
        planted.look(failure)
        assert APPLICATION not in str(failure)
    planted.look(failure_of(service, certificates, secret=secret))
    service.discovery = refuses(90002, "invalid_tenant")
    planted.look(failure_of(service, certificates, secret=secret))
