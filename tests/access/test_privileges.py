"""Who may do what: the one question, and what answers it."""

from __future__ import annotations

import pytest

from settings_store.access import GRANTABLE, MEANING, Principal, Privilege, may, os_user
from settings_store.access.privilege import with_included

MAINTAIN, VIEW = Privilege.MAINTAIN_SERVER_OPTIONS, Privilege.VIEW_SERVER_OPTIONS
MANAGE, SEE = Privilege.MANAGE_NOTIFICATIONS, Privilege.VIEW_NOTIFICATIONS


@pytest.mark.parametrize(
    "given, held",
    [
        ((), set()),
        ((VIEW,), {VIEW}),
        ((SEE,), {SEE}),
        ((MAINTAIN,), {MAINTAIN, VIEW}),
        ((MANAGE,), {MANAGE, SEE}),
        ((MAINTAIN, MANAGE), {MAINTAIN, VIEW, MANAGE, SEE}),
    ],
)
def test_maintaining_includes_viewing_and_nothing_else_is_included(
    given: tuple[Privilege, ...], held: set[Privilege]
) -> None:
    principal = Principal("account", "anna", with_included(given))
    assert {each for each in Privilege if may(principal, each)} == held


def test_whoever_uses_the_host_may_do_everything() -> None:
    assert all(may(os_user("root@batch1"), each) for each in Privilege)


def test_the_four_privileges_of_the_product_can_be_given_and_have_their_names() -> None:
    assert [each.label for each in GRANTABLE] == [
        "Maintain server options",
        "View server options",
        "View notifications",
        "Manage notifications",
    ]
    assert set(MEANING) == set(Privilege)
