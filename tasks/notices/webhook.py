"""Posts an incident as JSON to an address on the web."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import requests

from settings_store.web_address import is_web_address
from tasks.certificate_check import http_session
from tasks.notices.incident import Incident, subject_of

#: To connect, and between two pieces of the answer.
TIMEOUT_SECONDS: Final = (3.0, 5.0)
_HTTP_OK: Final = range(200, 300)


class NotPosted(Exception):
    """It did not arrive; the message is the kind of fault alone, for the address is a secret."""


def payload(incident: Incident, installation: str) -> dict[str, Any]:
    """What is posted: no address, no secret, no text of a notification."""
    at = datetime.fromtimestamp(incident.at_ms / 1000, tz=UTC)
    return {
        "version": 1,
        "id": incident.id,
        "event": incident.event,
        "at": at.isoformat().replace("+00:00", "Z"),
        "installation": installation,
        # Under this name chat systems look for what they show.
        "text": subject_of(incident),
        "facts": incident.facts,
    }


def post(url: str, incident: Incident, *, installation: str, ca_bundle: str = "") -> None:
    """Post it once. The id tells a receiver which posts are one incident: a lost answer is posted again.

    Raises:
        NotPosted: It was not taken.
    """
    if not is_web_address(url):
        raise NotPosted("the option holds no http or https address")
    fault = ""
    try:
        with (
            http_session() as session,
            session.post(
                url,
                json=payload(incident, installation),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                verify=ca_bundle or True,
                # The answer is not read: its head says all, and a body may never end.
                stream=True,
            ) as answer,
        ):
            if answer.status_code not in _HTTP_OK:
                fault = f"status {answer.status_code}"
    except (requests.RequestException, OSError, ValueError) as error:
        fault = type(error).__name__  # its words quote the address
    if fault:
        raise NotPosted(fault)
