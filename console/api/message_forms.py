"""The forms of what the API says about notifications. What a later version adds may be there besides."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.moment import Moment
from tasks.corrections import CorrectionAnswer
from tasks.ledger import State
from tasks.ledger.records import Outcome, Priority
from tasks.server import Channel, ServerName

PAGE_MAXIMUM = 500
_OPEN = ConfigDict(extra="allow", serialize_by_alias=True)


class Line(BaseModel):
    """A notification in a list: no recipient and no text."""

    model_config = _OPEN

    id: str
    number: int
    state: State
    channel: Channel
    priority: Priority
    accepted_at: str
    finished_at: str | None
    next_at: str | None
    servers: list[str]
    perhaps_twice: bool
    reason: str | None


class Lines(BaseModel):
    """A part of a list, newest first."""

    model_config = _OPEN

    messages: list[Line]
    total: int
    total_is_exact: bool = Field(description="False: at least so many match.")
    next: str | None = Field(description="For `after`, to get the next part; null at the end.")


class Attempt(BaseModel):
    """One attempt by one server."""

    model_config = _OPEN

    at: str | None
    pass_: int | None = Field(alias="pass")
    server: str
    stage: str | None
    verdict: str | None
    code: int | None
    enhanced: str | None
    text: str | None
    recipients: list[str]
    revision: int | None
    seconds: float | None
    next_at: str | None


class Message(BaseModel):
    """Everything about one notification."""

    model_config = _OPEN

    id: str
    number: int
    channel: Channel
    state: State
    reason: str | None
    accepted_at: str
    finished_at: str | None
    next_at: str | None
    recipients: dict[str, Outcome]
    attempts: list[Attempt]
    events: list[dict[str, Any]]
    priority: Priority
    servers: list[str]
    perhaps_twice: list[str]
    notification: dict[str, Any] | None = Field(
        default=None, description="The document as it was accepted, where `content=true` asks for it."
    )


class MessageQuery(BaseModel):
    """Which notifications are asked for; all that is given must hold."""

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
    limit: int = Field(default=50, ge=1, le=PAGE_MAXIMUM)
    after: str | None = Field(
        default=None, pattern=r"^[0-9]{1,20}\.[0-9]{1,20}$", description="`next` of the part before."
    )


class Correction(BaseModel):
    """What became of a notification that was to be replayed or cancelled."""

    id: str
    number: int
    answer: CorrectionAnswer
    state: State | Literal[""] = Field(description="Its state after it; before it in a dry run.")
    dry_run: bool
