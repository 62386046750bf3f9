"""The pages of accounts, tokens and audit: made and taken away by forms, secrets shown once, all told."""

from __future__ import annotations

import re

import pytest
import redis

from settings_store.access import Access
from settings_store.store import SettingsStore
from tests.rigs.accounts import PASSWORD
from tests.rigs.console import Console, Visitor


@pytest.fixture
def visitor(console: Console, anna: str) -> Visitor:
    """The administrator."""
    visitor = console.visitor(anna)
    visitor.get("/accounts")
    return visitor


def test_an_account_is_made_with_a_password_that_is_shown_once_and_replaced(
    console: Console, visitor: Visitor, access: Access
) -> None:
    made = visitor.post("/accounts", {"name": "Bert", "role": "Role_ocadm"})
    found = re.search(r"The password of bert.*?<code>([^<]+)</code>", made.text, re.DOTALL)
    assert found
    assert found[1] not in visitor.get("/accounts").text
    assert access.book().account("bert").must_change
    assert "Your password" in console.visitor("bert", found[1]).get("/").text
    assert "Nothing was done" in visitor.post("/accounts", {"name": "bert", "role": "Role_ocadm"}).text
    assert visitor.post("/accounts", {"name": "b@d", "role": "Role_ocadm"}).status_code == 422


def test_a_disabled_account_is_out_at_once_and_the_last_administrator_stays(
    console: Console, visitor: Visitor, access: Access
) -> None:
    access.add_account("bert", PASSWORD, ["Role_ocadm"], by="root@test")
    bert = console.visitor("bert")
    visitor.get("/accounts")
    assert "bert may no longer sign in." in visitor.post("/accounts/bert/disable").text
    assert bert.get("/").status_code == 401
    refused = visitor.post("/accounts/anna/disable")
    assert refused.status_code == 422
    assert not access.book().account("anna").disabled
    assert "bert may again sign in." in visitor.post("/accounts/bert/enable").text
    assert visitor.post("/accounts/bert/nonsense").status_code == 404


def test_a_token_is_shown_once_and_revoked(visitor: Visitor, access: Access) -> None:
    made = visitor.post("/tokens", {"name": "reports", "privilege": "view_notifications", "days": "30"})
    found = re.search(r"ntf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", made.text)
    assert found
    assert found[0] not in visitor.get("/accounts").text
    token = access.book().token("reports")
    assert token.expires_at is not None
    assert "is revoked" in visitor.post(f"/tokens/{token.id}/revoke").text
    assert not access.book().tokens
    assert visitor.post("/tokens", {"name": "x", "days": "30"}).status_code == 422
    visitor.get("/accounts")
    assert (
        visitor.post("/tokens", {"name": "x", "privilege": "view_notifications", "days": "7"}).status_code
        == 422
    )


def test_the_audit_finds_a_change_by_its_option_and_shows_no_secret(
    visitor: Visitor, store: SettingsStore, redis_server: redis.Redis
) -> None:
    store.change({"text.labels": False, "text.machine_name": False}, author="bert", reason="shorter mails")
    body = visitor.get("/audit?target=text.labels").text
    assert "options.change" in body
    assert "shorter mails" in body
    assert "Include labels" in body
    assert "account.add" not in body
    assert "Nothing matches" in visitor.get("/audit?actor=nobody").text
    assert visitor.get("/audit?since=yesterday").status_code == 422
    for place in range(101):
        store.change({"primary_email.server_port": 1000 + place}, author="bert", reason=f"change-{place}-")
    first = visitor.get("/audit?action=options").text
    assert "change-100-" in first
    assert "change-0-" not in first
    older = re.search(r'href="(/audit\?[^"]*until[^"]*)"', first)
    assert older
    assert "change-0-" in visitor.get(older[1].replace("&amp;", "&")).text
    assert redis_server.xlen("notify:audit") >= 102
