"""When a submission is to start that its sender gave a countdown or an `eta` of Celery's.

Celery would keep its message in a worker until then, unacknowledged: it counts against what that worker may
take, RabbitMQ takes back what is kept for 30 minutes, and Redis delivers it again each minute. So it is
accepted at once, as one that is not to be sent before that time.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

#: What a worker puts back itself, while the ledger cannot accept, is kept by it for no longer than this.
KEPT_SECONDS: Final = 10.0


def taken_over(headers: MutableMapping[str, Any], eta: datetime, expires: datetime | None) -> bool:
    """Whether a message that is not due yet is accepted at once; its headers then say in UTC when it is.

    Raises:
        OverflowError: It has no time in UTC.
    """
    again = headers.get("retries")
    if again and eta <= datetime.now(tz=UTC) + timedelta(seconds=KEPT_SECONDS):
        return False
    headers["eta"] = eta.astimezone(UTC).isoformat()
    if expires is not None:
        headers["expires"] = expires.astimezone(UTC).isoformat()
    return True


def starting_at(document: Mapping[str, object], eta: object, expires: object) -> dict[str, object]:
    """The document with the times of the task: the later of two starts, and the earlier of two ends.

    Args:
        document: As its sender wrote it; what is no time there is left for the check that tells so.
        eta: Of the task, as `taken_over` wrote it; what is past or none changes nothing.
        expires: Likewise.
    """
    timed, start, end = dict(document), _moment(eta), _moment(expires)
    if start is None or start <= datetime.now(tz=UTC):
        return timed
    _put(timed, "not_before", start, later=True)
    if end is not None:
        _put(timed, "expires", end, later=False)
    return timed


def _put(document: dict[str, object], field: str, moment: datetime, *, later: bool) -> None:
    given = document.get(field)
    known = _moment(given)
    if given is not None and (known is None or (known >= moment) is later):
        return
    document[field] = moment.isoformat()


def _moment(given: object) -> datetime | None:
    if not isinstance(given, str):
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
