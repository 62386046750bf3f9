"""How a URL of Redis says that the server's certificate is verified, and against what.

Every client that we use (redis-py, kombu, Celery's results) reads the same words in a URL, so that each place
which has the URL has TLS as well. Without them Celery does not even start with `rediss://`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SCHEMES = frozenset({"rediss", "amqps", "sentinels"})
_ALLOWED = frozenset({"required", "cert_required"})


class UnusableTls(ValueError):
    """Redis cannot be reached over TLS as asked; the message says what is wrong and what is allowed."""


def check_authorities(file: str) -> None:
    """See that a file holds certificates of authorities.

    Raises:
        UnusableTls: It cannot be read, or holds none.
    """
    try:
        text = Path(file).read_text(encoding="ascii")
        loaded = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        loaded.load_verify_locations(cadata=text)
    except ssl.SSLError:
        raise UnusableTls(f"{file}: holds no certificate; allowed: a PEM file of authorities") from None
    except (UnicodeDecodeError, ValueError):
        raise UnusableTls(f"{file}: is no text; allowed: a PEM file of authorities") from None
    except OSError as error:
        raise UnusableTls(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None


def is_tls(url: str) -> bool:
    """Whether what goes to this server is encrypted."""
    return url.partition("://")[0].lower() in _SCHEMES


def verified(url: str, authorities: str = "") -> str:
    """The URL with the words that have its server's certificate verified; without TLS, itself.

    Args:
        url: The address; words for TLS that it has already are kept.
        authorities: A PEM file; blank for the authorities that the system trusts.

    Raises:
        UnusableTls: It asks for TLS without verification, or a certificate of ours that it names cannot be
            used; the message names the word, and a file at most.
    """
    if not is_tls(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        # Whoever opens it says that it cannot be read; what is in it is not repeated here.
        return url
    words = dict(parse_qsl(parts.query, keep_blank_values=True))
    _refuse_unverified(words.items())
    _check_own_certificate(words)
    words["ssl_cert_reqs"] = "required"
    if authorities:
        words["ssl_ca_certs"] = authorities
    return urlunsplit(parts._replace(query=urlencode(words)))


def tls_options(url: str) -> dict[str, str]:
    """The words for TLS in a `rediss://` URL from `verified`, for what reads no URL; none of any other."""
    if not url.lower().startswith("rediss://"):
        return {}
    try:
        words = parse_qsl(urlsplit(url).query)
    except ValueError:
        return {}
    return {name: value for name, value in words if name.startswith("ssl_")}


def _check_own_certificate(words: Mapping[str, str]) -> None:
    """See that the certificate that we are to show can be shown, in words that name the file."""
    for name in ("ssl_certfile", "ssl_keyfile"):
        try:
            if words.get(name):
                Path(words[name]).read_bytes()
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or "is no file name").lower()
            raise UnusableTls(f"{name}: {words[name]}: {why}") from None
    certificate, key = words.get("ssl_certfile"), words.get("ssl_keyfile")
    if not certificate:
        if key:
            raise UnusableTls("ssl_keyfile is set without ssl_certfile; allowed: both, or neither")
        return
    try:
        # Without a password it would be asked for at a terminal.
        password = words.get("ssl_password", "")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key or None, lambda: password)
    except (ssl.SSLError, ValueError):
        beside = f" with the key in {key}" if key else " with its key"
        raise UnusableTls(
            f"ssl_certfile: {certificate}: is no certificate in PEM{beside}, or ssl_password is missing"
        ) from None


def _refuse_unverified(words: Iterable[tuple[str, str]]) -> None:
    for name, value in words:
        if name == "ssl_cert_reqs" and value.lower() not in _ALLOWED:
            raise UnusableTls("ssl_cert_reqs must be required: the certificate is always verified")
        if name == "ssl_check_hostname" and value.lower() not in {"true", "yes", "1"}:
            raise UnusableTls("ssl_check_hostname must be true: the certificate is always verified")
