"""Every rule over accounts, roles and tokens, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from settings_store.access import (
    ADMINISTRATORS,
    AccessFault,
    Account,
    Book,
    BuiltIn,
    LastAdministrator,
    NameTaken,
    Privilege,
    RoleInUse,
    Token,
    UnknownName,
)
from settings_store.errors import InvalidValue

NOW = datetime(2026, 11, 26, tzinfo=UTC)
VIEW, SEE = Privilege.VIEW_SERVER_OPTIONS, Privilege.VIEW_NOTIFICATIONS


def account(name: str, *roles: str, disabled: bool = False) -> Account:
    return Account(name, roles, "hash", "credential", NOW, "root@x", disabled=disabled)


def token(name: str, *privileges: Privilege, owner: str = "", expires_at: datetime | None = None) -> Token:
    return Token(f"id{name}", name, "digest", frozenset(privileges), NOW, "root@x", expires_at, owner)


BOOK = (
    Book()
    .with_role("Viewers", [VIEW], new=True)
    .with_new_account(account("anna", ADMINISTRATORS))
    .with_new_account(account("bert", "Viewers"))
)


@pytest.mark.parametrize(
    "change, fault",
    [
        (lambda b: b.with_new_account(account("anna", "Viewers")), NameTaken),
        (lambda b: b.with_new_account(account("carl", "nobody")), UnknownName),
        (lambda b: b.with_new_account(account("carl")), InvalidValue),
        (lambda b: b.with_new_account(account("root@x", "Viewers")), InvalidValue),
        (lambda b: b.with_new_account(account("token:x", "Viewers")), InvalidValue),
        (lambda b: b.with_new_account(account("", "Viewers")), InvalidValue),
        (lambda b: b.with_new_account(account("a" * 65, "Viewers")), InvalidValue),
        (lambda b: b.account("carl"), UnknownName),
        (lambda b: b.without_account("carl"), UnknownName),
        (lambda b: b.without_account("anna"), LastAdministrator),
        (lambda b: b.with_account(account("anna", "Viewers")), LastAdministrator),
        (lambda b: b.with_account(account("anna", ADMINISTRATORS, disabled=True)), LastAdministrator),
        (lambda b: b.with_role("viewers", [SEE], new=True), NameTaken),
        (lambda b: b.with_role("others", [SEE], new=False), UnknownName),
        (lambda b: b.with_role("x", [], new=True), InvalidValue),
        (lambda b: b.with_role("x", [Privilege.ADMINISTER], new=True), InvalidValue),
        (lambda b: b.with_role("x y", [SEE], new=True), InvalidValue),
        (lambda b: b.with_role("role_OCADM", [SEE], new=True), BuiltIn),
        (lambda b: b.with_role(ADMINISTRATORS, [SEE], new=False), BuiltIn),
        (lambda b: b.without_role(ADMINISTRATORS), BuiltIn),
        (lambda b: b.without_role("Viewers"), RoleInUse),
        (lambda b: b.without_role("others"), UnknownName),
        (lambda b: b.with_token(token("x", Privilege.ADMINISTER)), InvalidValue),
        (lambda b: b.with_token(token("x")), InvalidValue),
        (lambda b: b.with_token(token("x", SEE, owner="carl")), UnknownName),
        (lambda b: b.with_token(token("x", SEE)).with_token(token("X", VIEW)), NameTaken),
        (lambda b: b.token("x"), UnknownName),
    ],
)
def test_what_is_not_allowed_is_refused_and_names_the_thing(
    change: Callable[[Book], object], fault: type[Exception]
) -> None:
    with pytest.raises((AccessFault, InvalidValue)) as caught:
        change(BOOK)
    assert type(caught.value) is fault
    assert str(caught.value).partition(":")[0]


def test_an_administrator_may_go_once_there_is_another() -> None:
    two = BOOK.with_new_account(account("carl", "role_ocadm", "Viewers"))
    assert two.account("carl").roles == (ADMINISTRATORS, "Viewers")
    assert not two.without_account("anna").accounts.get("anna")
    disabled = two.with_account(account("anna", ADMINISTRATORS, disabled=True))
    assert disabled.privileges_of(disabled.account("anna")) == frozenset()
    with pytest.raises(LastAdministrator):
        disabled.without_account("carl")


def test_a_role_that_changes_changes_what_its_accounts_may_do() -> None:
    changed = BOOK.with_role("VIEWERS", [SEE], new=False)
    assert changed.privileges_of(changed.account("BERT")) == {SEE}
    assert list(changed.roles) == ["Viewers"]


def test_a_token_may_do_what_its_scope_says_until_it_ends() -> None:
    book = BOOK.with_token(token("ci", Privilege.MANAGE_NOTIFICATIONS, expires_at=NOW + timedelta(days=1)))
    bearer = book.bearer(book.token("CI"), NOW)
    assert bearer is not None
    assert (bearer.kind, bearer.name) == ("token", "token:ci")
    assert bearer.privileges == {Privilege.MANAGE_NOTIFICATIONS, SEE}
    assert book.bearer(book.token("ci"), NOW + timedelta(days=1)) is None


def test_a_token_with_an_owner_may_do_no_more_than_that_account_and_goes_with_it() -> None:
    book = BOOK.with_token(token("own", SEE, VIEW, owner="Bert"))
    bearer = book.bearer(book.token("own"), NOW)
    assert bearer is not None
    assert bearer.privileges == {VIEW}
    disabled = book.with_account(replace(book.account("bert"), disabled=True))
    assert disabled.bearer(disabled.token("own"), NOW) is None
    assert not book.without_account("bert").tokens


def test_neither_hashes_nor_digests_show() -> None:
    book = BOOK.with_token(token("ci", SEE))
    assert "hash" not in repr(book)
    assert "digest" not in repr(book)
