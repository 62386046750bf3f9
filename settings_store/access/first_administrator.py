"""The account that a first start makes, so that there is somebody who can make the others."""

from __future__ import annotations

from typing import Final, NamedTuple

from settings_store.access.access import Access
from settings_store.access.book import ADMINISTRATORS
from settings_store.access.errors import NameTaken
from settings_store.access.password import generated

NAME: Final = "admin"


class FirstAdministrator(NamedTuple):
    """An account with its password, to be shown once."""

    name: str
    password: str


def first_administrator(access: Access, *, by: str, source: str = "") -> FirstAdministrator | None:
    """Make an administrator where there is no account at all; None where there is one.

    Of several that start at once, one makes it. The password is to be changed at the first sign-in.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    if access.book().accounts:
        return None
    made = FirstAdministrator(NAME, generated())
    try:
        access.add_account(
            made.name, made.password, (ADMINISTRATORS,), by=by, source=source, must_change=True
        )
    except NameTaken:
        return None
    return made
