"""The kind of option that holds the host of a service that is spoken to by HTTPS alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class AuthorityHost:
    """A host name or address, with a port where there is one; stored in lower case. Blank is allowed."""

    @property
    def valid(self) -> str:
        """The form."""
        return "host or host:port"

    @property
    def allowed(self) -> str:
        """The form in full."""
        return "host name or address, with :port where it is not 443, without https:// and path; or blank"

    def parse(self, raw: object) -> str:
        """Take a host, or blank."""
        text = check_text(raw, maximum_characters=TEXT_MAXIMUM_CHARACTERS).strip().lower()
        if not text:
            return ""
        found = _HOST.fullmatch(text)
        if found is None or not 0 < int(found[1] or 1) <= _HIGHEST_PORT or ".." in text:
            raise Refused("is no host")
        return text
