"""Which limits hold for which server."""

from __future__ import annotations

import dataclasses

import pytest

from settings_store.snapshot import Snapshot
from tasks.limits import Allowance, account_of, allowance_for
from tasks.routing import route
from tasks.server import Basic, OAuth, Server, Tls


def secret() -> str:
    return "secret"


BY_PASSWORD = Server("primary_email", "mail.example", 587, sign_in=Basic("Ops@Example.com", secret, "seal"))
BY_TOKEN = dataclasses.replace(
    BY_PASSWORD, sign_in=OAuth("ops@example.com", "app", "tenant", secret, "another seal")
)
BY_NOBODY = dataclasses.replace(BY_PASSWORD, sign_in=None)


def servers(snapshot: Snapshot) -> dict[str, Server]:
    hops = (*route(snapshot, "email").chain, *route(snapshot, "text").chain)
    return {hop.server.name: hop.server for hop in hops}


def test_port_block_sender_and_way_to_sign_in_make_no_other_account() -> None:
    account = account_of(BY_PASSWORD)
    for same in (
        BY_TOKEN,
        dataclasses.replace(BY_PASSWORD, port=465, tls=Tls.IMPLICIT, name="primary_sms"),
        dataclasses.replace(BY_PASSWORD, host="MAIL.example."),
        dataclasses.replace(BY_PASSWORD, sender="another@example.com"),
    ):
        assert account_of(same) == account


def test_host_and_mailbox_do() -> None:
    others = {
        account_of(each)
        for each in (
            BY_PASSWORD,
            BY_NOBODY,
            dataclasses.replace(BY_PASSWORD, host="other.example"),
            dataclasses.replace(BY_PASSWORD, sign_in=Basic("other@example.com", secret, "seal")),
        )
    }
    assert len(others) == 4


def test_an_account_is_a_hash_that_shows_no_address() -> None:
    account = account_of(BY_PASSWORD)
    assert len(account) == 16
    assert set(account) <= set("0123456789abcdef")


def test_without_options_there_is_no_limit() -> None:
    snapshot = Snapshot(stored={"primary_email.server_name": "mail.example"})
    allowance = allowance_for(snapshot, servers(snapshot)["primary_email"])
    assert allowance == Allowance(0, 0)
    assert allowance.is_unlimited


@pytest.mark.parametrize("name", ["primary_email", "secondary_email", "primary_sms", "secondary_sms"])
def test_each_server_has_its_own_options(name: str) -> None:
    stored: dict[str, bool | int | str] = {
        f"{block}.server_name": f"{block}.example"
        for block in ("primary_email", "secondary_email", "primary_sms", "secondary_sms")
    }
    stored |= {f"limits.{name}_messages_per_minute": 30, f"limits.{name}_connections": 3}
    snapshot = Snapshot(stored=stored)
    allowed = {each: allowance_for(snapshot, server) for each, server in servers(snapshot).items()}
    assert allowed.pop(name) == Allowance(30, 3)
    assert set(allowed.values()) == {Allowance(0, 0)}


def test_servers_of_one_account_share_the_lowest_limit_of_each_kind() -> None:
    snapshot = Snapshot(
        stored={
            "primary_email.server_name": "mail.example",
            "primary_sms.server_name": "mail.example",
            "primary_sms.server_port": 587,
            "secondary_sms.server_name": "other.example",
            "limits.primary_email_messages_per_minute": 100,
            "limits.primary_sms_messages_per_minute": 30,
            "limits.primary_sms_connections": 3,
            "limits.secondary_sms_messages_per_minute": 1,
        }
    )
    used = servers(snapshot)
    assert allowance_for(snapshot, used["primary_email"]) == Allowance(30, 3)
    assert allowance_for(snapshot, used["primary_sms"]) == Allowance(30, 3)
    assert allowance_for(snapshot, used["secondary_sms"]) == Allowance(1, 0)
