"""Mail addresses: judged by syntax, kept in the form that goes on the wire.

An address is a bare mailbox (`name@domain`), no display name, no angle brackets. Private domains (`.local`,
a host without a dot) are as good as public ones: a notifier lives inside a company's network. Domains in
other scripts are kept as ASCII A-labels (RFC 5890), so that every server can take them; a mailbox name in
another script stays as it is and needs a server with SMTPUTF8 (RFC 6531). Quoted mailbox names and address
literals (`[192.0.2.1]`) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from email_validator import EmailNotValidError, validate_email

#: RFC 5321 4.5.3.1.3 (a path of 256 octets, its angle brackets taken off), counted in UTF-8.
ADDRESS_MAX_BYTES = 254

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PLAIN_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PLAIN = re.compile(rf"{_PLAIN_LOCAL.pattern}@{_PLAIN_DOMAIN.pattern}")

# C0, DEL, C1 and the two Unicode line breaks: whatever could end a header line somewhere.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_TOO_LONG = f"is longer than {ADDRESS_MAX_BYTES} bytes"

# The package refuses names such as .local as "special use"; under a public name it judges syntax alone.
_PUBLIC = ".net"


class InvalidAddress(ValueError):
    """An address is refused; the message is the rule it breaks and never quotes it."""


def parse_address(text: str) -> str:
    """Return the address as it goes on the wire; blanks around it are dropped.

    Raises:
        InvalidAddress: It is no single mailbox with a domain, or is longer than 254 bytes.
    """
    address = text.strip(" \t")
    if len(address) <= ADDRESS_MAX_BYTES and _PLAIN.fullmatch(address):
        return address
    return _judge(address)


def _judge(address: str) -> str:
    if not address:
        raise InvalidAddress("is empty")
    if has_control(address):
        raise InvalidAddress("has a control character")
    if not encodable(address):
        raise InvalidAddress("is not valid Unicode")
    if len(address) > ADDRESS_MAX_BYTES:
        raise InvalidAddress(_TOO_LONG)
    if "<" in address or ">" in address:
        raise InvalidAddress("has a display name or angle brackets")
    local, at, domain = address.rpartition("@")
    if not at or not domain:
        raise InvalidAddress("has no domain")
    if not _PLAIN_LOCAL.fullmatch(local):
        local = _validated(f"{local}@a{_PUBLIC}")[0]
    if not _PLAIN_DOMAIN.fullmatch(domain):
        domain = _validated(f"a@{domain}{_PUBLIC}")[1].removesuffix(_PUBLIC)
    address = f"{local}@{domain}"
    if len(address.encode()) > ADDRESS_MAX_BYTES:
        raise InvalidAddress(_TOO_LONG)
    return address


def _validated(address: str) -> tuple[str, str]:
    """Mailbox name and ASCII domain, by the full rules for other scripts."""
    fault: str | None = None
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        fault = "is not a mail address"  # the package's own words quote it
    if fault:
        raise InvalidAddress(fault)
    return found.local_part, found.ascii_domain


def split_addresses(text: str, separators: str) -> list[str]:
    """The parts of a list written as one string; blank parts, as after a trailing separator, are dropped."""
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    return [part for part in text.split(separators[0]) if part.strip(" \t")]


def identity(address: str) -> str:
    """Equal for two spellings of one mailbox: domains ignore case (RFC 5321 2.4), mailbox names do not."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def merged(addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses without repetitions, in order; the first spelling stays."""
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(identity(address), address)
    return tuple(first.values())


def needs_smtputf8(addresses: Sequence[str]) -> bool:
    """Whether an address can only go to a server that offers SMTPUTF8."""
    return not all(address.isascii() for address in addresses)


def has_control(text: str) -> bool:
    """Whether the text holds a character that may not stand in a header."""
    return _CONTROL.search(text) is not None


def encodable(text: str) -> bool:
    """Whether the text is valid Unicode: half a surrogate pair cannot be sent or stored."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
