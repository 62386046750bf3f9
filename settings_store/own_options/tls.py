"""How servers prove who they are."""

from __future__ import annotations

from settings_store.kinds import Choice, Text
from settings_store.option import Option

TITLE = "TLS"

OPTIONS: tuple[Option, ...] = (
    Option(
        "tls.ca_bundle",
        "CA bundle",
        Text(),
        "",
        "File with the certificates (PEM) of the authorities that servers are checked against, "
        "the same path on every worker. Blank: those of the operating system.",
    ),
    Option(
        "tls.minimum_version",
        "Oldest TLS",
        Choice(("1.2", "1.3")),
        "1.2",
        "The oldest version that is spoken with servers; one that has only older ones is passed over.",
    ),
    Option(
        "tls.client_certificate",
        "Our certificate",
        Text(),
        "",
        "File with the certificate (PEM) that is shown to servers that ask for one, with its chain, the same "
        "path on every worker. It is read again when it changes. Blank: none.",
    ),
    Option(
        "tls.client_key",
        "Key of our certificate",
        Text(),
        "",
        "File with the key (PEM, without a password), readable by the worker's user alone. "
        "Blank: it is in the same file as the certificate.",
    ),
)
