"""A moment as the API takes one: RFC 3339 with its offset, and no other form of a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from pydantic import BeforeValidator

_WITH_OFFSET: Final = Annotated[datetime, msgspec.Meta(tz=True)]


def _read(given: Any) -> datetime:
    try:
        moment: datetime = msgspec.convert(given, _WITH_OFFSET)
    except msgspec.ValidationError:
        raise ValueError("is no RFC 3339 time with its offset") from None
    return moment


Moment = Annotated[datetime, BeforeValidator(_read)]
