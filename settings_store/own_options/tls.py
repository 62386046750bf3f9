"""How servers prove who they are."""

from __future__ import annotations

from settings_store.kinds import Text
from settings_store.option import Option

TITLE = "Certificates"

OPTIONS: tuple[Option, ...] = (
    Option(
        "tls.ca_bundle",
        "CA bundle",
        Text(),
        "",
        "File with the certificates (PEM) of the authorities that servers are checked against, "
        "the same path on every worker. Blank: those of the operating system.",
    ),
)
