"""Every HTTPS of ours asks the same of certificates, whatever Python it runs on."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import requests

from tasks.certificate_check import check_alike, http_session
from tests.rigs.certificates import from_an_authority_of_old
from tests.rigs.identity_service import TENANT, identity_service


def test_only_the_form_is_left_unchecked() -> None:
    asked = check_alike(ssl.create_default_context())
    assert not asked.verify_flags & ssl.VERIFY_X509_STRICT
    assert asked.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert (asked.verify_mode, asked.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_what_python_asks_of_late_is_known() -> None:
    """A flag that a newer Python adds to its default is looked at by somebody before it holds here."""
    known = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST
    assert not ssl.create_default_context().verify_flags & ~known


def test_a_session_verifies_by_the_authority_that_it_is_given_and_by_no_other(tmp_path: Path) -> None:
    bundle, own, context = from_an_authority_of_old(tmp_path, address="127.0.0.9")
    with identity_service(context) as service:
        url = f"https://{service.host}/{TENANT}/v2.0/.well-known/openid-configuration"
        for trusted in (bundle, own):
            with http_session() as session:
                assert session.get(url, verify=trusted, timeout=30).ok
        refused = {
            url: "unable to get local issuer",
            url.replace("localhost", "127.0.0.1"): "IP address mismatch",
        }
        for address, words in refused.items():
            with http_session() as session, pytest.raises(requests.exceptions.SSLError, match=words):
                session.get(address, verify=bundle if address != url else True, timeout=30)
