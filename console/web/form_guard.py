"""Whether a form was sent from a page of ours: by its token, and by what the browser says of its origin."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from console.serving.fault import Fault, Refusal

TOKEN_FIELD: Final = "form_token"  # noqa: S105  # the name of a field


def refuse_foreign(headers: Headers) -> None:
    """Refuse what a browser sent from another site's page.

    Programs other than browsers send neither header; the token stops them.

    Raises:
        Refusal: It came from elsewhere.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in {None, "same-origin", "none"}:
        raise _refusal()
    if origin is not None and not (origin == "null" and site == "same-origin"):
        # Only the host: behind a proxy that ends TLS the scheme differs.
        try:
            sent_from = urlsplit(origin).netloc
        except ValueError:
            sent_from = ""
        if not sent_from or sent_from.lower() != headers.get("host", "").lower():
            raise _refusal()


def refuse_without_token(given: str, expected: str) -> None:
    """Refuse a form without the token of the page it should come from.

    Raises:
        Refusal: It is missing or another.
    """
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise _refusal()


def _refusal() -> Refusal:
    return Refusal(
        Fault(
            HTTPStatus.FORBIDDEN,
            "foreign-form",
            "Nothing was done",
            "this form did not come from a page of this console, or the page is older than your session",
            "open the page again, and repeat it there",
        )
    )
