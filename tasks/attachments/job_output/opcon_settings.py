"""What the options say about the scheduler's REST API."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from settings_store.snapshot import Snapshot
from tasks.attachments.unc.account import Account

PASSWORD: Final = "jors.api_password"  # noqa: S105  # the option's name


@dataclass(frozen=True, slots=True)
class OpConSettings:
    """Where the API is and who signs in; secrets are opened when they are needed.

    Attributes:
        address: Of the API, without a slash at its end.
        user: Who signs in where no token is set; blank = nobody.
        password: Opens the user's password.
        token: Opens the token that is used as it is; None = none is set.
        marks: Of password and token, which tell two apart without opening either.
        verify: What the certificate is checked against: a file or folder; False = nothing, True = what
            `requests` brings.
    """

    address: str
    user: str = ""
    password: Callable[[], str] = field(default=str, repr=False, compare=False)
    token: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    marks: tuple[str, str] = field(default=("", ""), repr=False)
    verify: bool | str = True

    @classmethod
    def of(cls, options: Snapshot) -> Self | None:
        """What the options say; None where they name no scheduler."""
        address = options.text("jors.api_address")
        if not address:
            return None
        bundle = options.text("jors.ca_bundle").strip()
        return cls(
            address=address,
            user=options.text("jors.api_user").strip(),
            password=options.secret(PASSWORD),
            token=options.secret("jors.api_token") if options.is_set("jors.api_token") else None,
            marks=(options.mark(PASSWORD), options.mark("jors.api_token")),
            verify=options.flag("jors.verify_certificate") and (bundle or _of_the_system()),
        )

    @property
    def signs_in(self) -> Account:
        """Who signs in, for the guard that keeps a wrong password from being tried again and again."""
        return Account(self.user, self.marks[0], self.password)

    @property
    def account(self) -> str:
        """Equal for two settings that sign in to the same place as the same user with the same password."""
        return hashlib.sha256("\0".join((self.address, self.user, *self.marks)).encode()).hexdigest()


def _of_the_system() -> str | bool:
    """The operating system's certificates, which hold a private authority where an administrator put it."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
