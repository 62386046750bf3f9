"""The kind of option that holds the address of a web service."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

_SCHEMES = frozenset({"https", "http"})


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """An http or https address without user, query or fragment; stored without a slash at its end."""

    @property
    def valid(self) -> str:
        """The form."""
        return "https:// or http:// address"

    @property
    def allowed(self) -> str:
        """The form in full."""
        return (
            "https:// or http:// with host, port and path where there are any, "
            "without user, ? and #; or blank"
        )

    def parse(self, raw: object) -> str:
        """Take an address, or blank."""
        text = check_text(raw, maximum_characters=TEXT_MAXIMUM_CHARACTERS).strip()
        if not text:
            return ""
        try:
            address = urlsplit(text)
            has_host = bool(address.hostname) and (address.port or 1) > 0
        except ValueError:
            raise Refused("is not a web address") from None
        if address.scheme.lower() not in _SCHEMES or not has_host or " " in text:
            raise Refused("is not a web address")
        if "@" in address.netloc:
            raise Refused("has a user in it, which has options of its own")
        if address.query or address.fragment or text.endswith(("?", "#")):
            raise Refused("has a ? or # in it")
        return text.rstrip("/")
