"""Where tokens come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from settings_store.own_options.oauth import AUTHORITY_HOST, SCOPE
from settings_store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class IdentityEndpoint:
    """An identity service, and how it is reached.

    Attributes:
        authority_host: Its host, with a port where that is not 443.
        scope: What the token is asked for.
        ca_bundle: File of the authorities that its certificate is checked against (PEM); blank for those of
            the operating system.
        proxy: Address of the proxy on the way to it; blank for none.
    """

    authority_host: str = AUTHORITY_HOST
    scope: str = SCOPE
    ca_bundle: str = ""
    proxy: str = ""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """What the options say."""
        return cls(
            authority_host=snapshot.text("oauth.authority_host") or AUTHORITY_HOST,
            scope=snapshot.text("oauth.scope").strip() or SCOPE,
            ca_bundle=snapshot.text("oauth.ca_bundle").strip(),
            proxy=snapshot.text("oauth.proxy_address"),
        )
