"""The kind of an option that is a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from settings_store.kinds import Refused

#: `date.fromisoformat` takes other forms too, in which few would read a day.
_SHAPE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class CalendarDate:
    """A day of the calendar, `2027-03-31`; blank is allowed."""

    @property
    def valid(self) -> str:
        """The form."""
        return "date YYYY-MM-DD"

    @property
    def allowed(self) -> str:
        """The form, and what a blank is."""
        return f"{self.valid} (RFC 3339), or blank"

    def parse(self, raw: object) -> str:
        """Take a `datetime.date`, or its text."""
        if type(raw) is date:
            return raw.isoformat()
        text = raw.strip() if isinstance(raw, str) else None
        if text == "":
            return ""
        if text is None or not _SHAPE.fullmatch(text):
            raise Refused("is not a date")
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
        raise Refused("is not a day of the calendar")
