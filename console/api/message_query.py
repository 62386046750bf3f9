"""Which notifications a request means: the filters of the list, and of what is corrected in bulk."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from console.api.moment import Moment
from tasks.ledger import MessageFilter, State
from tasks.ledger.records import Priority
from tasks.server import Channel, ServerName

PAGE_MAXIMUM: Final = 500
_MS: Final = 1000


class FilterForm(BaseModel):
    """All that is given must hold."""

    model_config = ConfigDict(extra="forbid")

    state: list[State] = Field(default=[], description="One of these.")
    channel: Channel | None = None
    priority: Priority | None = None
    server: ServerName | None = Field(default=None, description="It was tried by this one.")
    perhaps_twice: bool = False
    job: str | None = Field(default=None, min_length=1, max_length=500)
    schedule: str | None = Field(default=None, min_length=1, max_length=500)
    machine: str | None = Field(default=None, min_length=1, max_length=500)
    recipient: str | None = Field(default=None, min_length=1, max_length=500)
    since: Moment | None = Field(default=None, description="Accepted then or later.")
    until: Moment | None = Field(default=None, description="Accepted then or earlier.")

    @property
    def wanted(self) -> MessageFilter:
        """The filter, for the ledger."""
        return MessageFilter(
            states=frozenset(self.state),
            channel=self.channel,
            priority=self.priority,
            server=self.server,
            perhaps_twice=self.perhaps_twice,
            job=self.job,
            schedule=self.schedule,
            machine=self.machine,
            recipient=self.recipient,
            since_ms=int(self.since.timestamp() * _MS) if self.since else None,
            until_ms=int(self.until.timestamp() * _MS) if self.until else None,
        )


class MessageQuery(FilterForm):
    """A part of the list."""

    limit: int = Field(default=50, ge=1, le=PAGE_MAXIMUM)
    after: str | None = Field(
        default=None, pattern=r"^[0-9]{1,20}\.[0-9]{1,20}$", description="`next` of the part before."
    )
