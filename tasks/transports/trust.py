"""What TLS rests on: whom we trust, what we insist on, and who we say we are."""

from __future__ import annotations

from typing import NamedTuple, Self

from settings_store.snapshot import Snapshot


# A tuple: it is looked up by it several times for each message.
class Trust(NamedTuple):
    """The TLS settings of connections to servers.

    Attributes:
        ca_bundle: File of the authorities to trust (PEM); blank for those of the operating system.
        minimum_version: The oldest TLS that is spoken: "1.2" or "1.3".
        client_certificate: File with the certificate that we show (PEM); blank for none.
        client_key: File with its key; blank where the key is in the same file.
    """

    ca_bundle: str = ""
    minimum_version: str = "1.2"
    client_certificate: str = ""
    client_key: str = ""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """What the options say."""
        return cls(
            ca_bundle=snapshot.text("tls.ca_bundle"),
            minimum_version=snapshot.text("tls.minimum_version"),
            client_certificate=snapshot.text("tls.client_certificate").strip(),
            client_key=snapshot.text("tls.client_key").strip(),
        )
