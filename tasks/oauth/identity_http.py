"""HTTPS to the identity service, within a time that is kept, as the token library wants to be given it.

The library's own client waits for ever, and lets the environment's `REQUESTS_CA_BUNDLE` and proxies win.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import requests
import urllib3

from tasks.certificate_check import http_session
from tasks.oauth.endpoint import IdentityEndpoint
from tasks.oauth.identity_fault import busy, late, not_an_identity_service
from tasks.transports.failure import TokenFailure

_CONNECT_SECONDS: Final = 5.0
_LEAST_SECONDS: Final = 0.1
_ANSWER_MAX_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024
_LONGEST_WAIT_SECONDS: Final = 3600
_FIRST_ERROR, _FIRST_SERVER_ERROR, _TOO_MANY_REQUESTS = 400, 500, 429
#: What OpenSSL says of a certificate, and of a file without any.
_NOT_VERIFIED: Final = "CERTIFICATE_VERIFY_FAILED"
_NO_CERTIFICATES: Final = "NO_CERTIFICATE_OR_CRL_FOUND"


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """An answer that says something about us, good or bad.

    Attributes:
        status_code: 2xx, or 4xx but 429.
        text: The body.
        headers: As they came.
    """

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def raise_for_status(self) -> None:
        """Raise `TokenFailure` unless it is good: the library calls this where it knows no better."""
        if self.status_code >= _FIRST_ERROR:
            raise TokenFailure


class IdentityHttp:
    """What one fetch of a token asks by.

    Args:
        endpoint: Whom.
        seconds: For all requests together.
        clock: Seconds that only grow.

    Attributes:
        last: The last answer that was read.
    """

    def __init__(
        self,
        endpoint: IdentityEndpoint,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._ends = clock() + seconds
        self._session = http_session()
        self._session.trust_env = False
        self._session.proxies = {"https": endpoint.proxy} if endpoint.proxy else {}
        self.last: IdentityAnswer | None = None

    def get(self, url: str, **asked: Any) -> IdentityAnswer:
        """Ask by GET.

        Raises:
            TokenFailure: There is no answer, or one that says nothing about us.
        """
        return self._ask("GET", url, asked)

    def post(self, url: str, **asked: Any) -> IdentityAnswer:
        """Ask by POST, as `get`."""
        return self._ask("POST", url, asked)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask(self, method: str, url: str, asked: Mapping[str, Any]) -> IdentityAnswer:
        if not url.lower().startswith("https://"):
            raise TokenFailure("the identity service names an address without TLS")
        left = max(self._ends - self._clock(), _LEAST_SECONDS)
        failure: TokenFailure
        try:
            with self._session.request(
                method,
                url,
                params=asked.get("params"),
                data=asked.get("data"),
                headers=asked.get("headers"),
                timeout=(min(_CONNECT_SECONDS, left), left),
                verify=self._endpoint.ca_bundle or _of_the_system(),
                # The secret goes where the administrator said, and not where an answer says.
                allow_redirects=False,
                stream=True,
            ) as answer:
                return self._judged(answer, self._read(answer))
        except requests.exceptions.SSLError as error:
            failure = _tls_failure(error)
        except requests.exceptions.ProxyError:
            failure = TokenFailure(
                "the proxy to the identity service does not let us through", transient=True
            )
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            failure = late()
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidProxyURL):
            failure = TokenFailure("the address of the identity service cannot be used")
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
            failure = TokenFailure("the identity service cannot be reached", transient=True)
        except OSError:
            failure = _unreadable_bundle()
        # No cause: what a library says may quote the request, and the secret is in it.
        raise failure from None

    def _read(self, answer: requests.Response) -> str:
        content = b""
        # What is there is taken as it comes: a read of a fixed size would wait for a slow answer to fill it.
        while piece := answer.raw.read1(_PIECE_BYTES, decode_content=True):
            content += piece
            if len(content) > _ANSWER_MAX_BYTES:
                raise not_an_identity_service()
            if self._clock() > self._ends:
                raise requests.exceptions.ReadTimeout
        return content.decode("utf-8", "replace")

    def _judged(self, answer: requests.Response, text: str) -> IdentityAnswer:
        if answer.status_code >= _FIRST_SERVER_ERROR or answer.status_code == _TOO_MANY_REQUESTS:
            raise busy(_wait_asked_for(answer.headers))
        if answer.is_redirect:
            raise TokenFailure("the identity service sends us elsewhere, where no secret is sent")
        try:
            # The library writes an answer that is no JSON into the log, and a token may be in it.
            msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise not_an_identity_service() from None
        self.last = IdentityAnswer(answer.status_code, text, answer.headers)
        return self.last


def _wait_asked_for(headers: Mapping[str, str]) -> int | None:
    with contextlib.suppress(ValueError):
        return min(max(int(headers.get("Retry-After", "")), 0), _LONGEST_WAIT_SECONDS)
    return None


def _tls_failure(error: requests.exceptions.SSLError) -> TokenFailure:
    if _NOT_VERIFIED in str(error):
        return TokenFailure("the identity service's certificate is not trusted")
    if _NO_CERTIFICATES in str(error):
        return _unreadable_bundle()
    return TokenFailure("TLS to the identity service broke off", transient=True)


def _unreadable_bundle() -> TokenFailure:
    return TokenFailure("the CA bundle of the identity service cannot be read")


def _of_the_system() -> str | bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
