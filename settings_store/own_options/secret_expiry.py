"""When each secret expires where it was made, so that it is renewed before that day."""

from __future__ import annotations

from collections.abc import Mapping

from settings_store.calendar_date import CalendarDate
from settings_store.option import Option

TITLE = "Expiry of secrets"

#: What each day is about: the option of the secret, by the name in this group.
SECRETS: Mapping[str, str] = {
    f"{group}_{name}": f"{group}.{name}"
    for group, name in (
        ("general", "unc_password"),
        *(
            (server, name)
            for server in ("primary_email", "secondary_email", "primary_sms", "secondary_sms")
            for name in ("authentication_password", "client_secret")
        ),
    )
}
_TITLES = {
    "general": "UNC Access",
    "primary_email": "Primary Email",
    "secondary_email": "Secondary Email",
    "primary_sms": "Primary SMS",
    "secondary_sms": "Secondary SMS",
}
_WHAT = {
    "unc_password": "Password",
    "authentication_password": "Password",
    "client_secret": "Client secret",
}


def _options() -> tuple[Option, ...]:
    found = []
    for place, secret in SECRETS.items():
        group, _, name = secret.partition(".")
        found.append(
            Option(
                f"secret_expiry.{place}",
                f"{_WHAT[name]} expires ({_TITLES[group]})",
                CalendarDate(),
                "",
                f"The last day on which {secret} holds where it was made, in UTC. "
                "We warn 30, 14, 7 and 1 days before. Blank: it is not known, and nobody is warned.",
            )
        )
    return tuple(found)


OPTIONS: tuple[Option, ...] = _options()
