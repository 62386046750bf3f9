"""Passwords: what one must be, and how one is made up."""

from __future__ import annotations

import pytest

from settings_store.access import password
from settings_store.errors import InvalidValue


@pytest.mark.parametrize(
    "given, fault",
    [
        ("", "is too short"),
        ("elevenchars", "is too short"),
        ("x" * 201, "is too long"),
        ("aaaaaaaaaaab", "is almost one character alone"),
        ("my-name-is-ANNA", "has the account's name in it"),
        ("line\nand another", "has a control character"),
        ("null\0and another", "has a control character"),
    ],
)
def test_a_weak_password_is_refused_without_being_repeated(given: str, fault: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        password.hashed(given, account="anna")
    assert caught.value.fault == fault
    assert given == "" or given not in str(caught.value)


def test_a_password_matches_itself_alone_however_its_letters_were_typed() -> None:
    kept = password.hashed("Gr\u00fc\u00dfe aus K\u00f6ln", account="anna")
    assert password.matches(kept, "Gru\u0308\u00dfe aus Ko\u0308ln")
    assert not password.matches(kept, "Gr\u00fc\u00dfe aus k\u00f6ln")
    assert not password.matches(kept, "")
    assert not password.matches(kept, "x" * 100_000)
    assert kept.startswith("$argon2id$")


def test_a_password_that_is_allowed_lets_in_though_it_is_typed_in_more_characters() -> None:
    typed = "u\u0308o\u0308" * 75
    assert len(typed) == 300
    assert password.matches(password.hashed(typed, account="anna"), typed)


def test_nobody_signs_in_to_an_account_that_does_not_exist() -> None:
    assert not password.matches("", "")
    assert not password.matches("no hash at all", "x")


def test_a_generated_password_is_long_readable_and_allowed() -> None:
    made = {password.generated() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        assert password.hashed(each, account="admin")
        assert len(each) == 23
        assert not set(each) & set("10loiIO")
