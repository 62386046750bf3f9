"""The forms of what the API says about notifications. What a later version adds may be there besides."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.corrections import CorrectionAnswer
from tasks.ledger import State
from tasks.ledger.records import Outcome, Priority
from tasks.server import Channel

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
    runbook: str | None = Field(description="Of a dead letter, the part of the runbook that says what to do.")
    notification: dict[str, Any] | None = Field(
        default=None, description="The document as it was accepted, where `content=true` asks for it."
    )


class Correction(BaseModel):
    """What became of a notification that was to be replayed or cancelled."""

    id: str
    number: int
    answer: CorrectionAnswer
    state: State | Literal[""] = Field(description="Its state after it; before it in a dry run.")
    dry_run: bool


class CorrectedLine(BaseModel):
    """What became of one of many."""

    model_config = _OPEN

    id: str
    number: int | None = Field(description="Null where there is no such notification.")
    state: State | None = Field(description="After it; before it in a dry run.")
    outcome: CorrectionAnswer


class CorrectedReason(BaseModel):
    """How many of one state and reason came to one outcome."""

    model_config = _OPEN

    outcome: CorrectionAnswer
    state: State
    reason: str | None = Field(description="What the ledger said before.")
    count: int


class Corrections(BaseModel):
    """What became of many that were to be replayed or cancelled."""

    model_config = _OPEN

    dry_run: bool
    done: int = Field(description="Replayed or cancelled, or would be.")
    outcomes: dict[CorrectionAnswer, int]
    reasons: list[CorrectedReason]
    messages: list[CorrectedLine]
    whole: bool = Field(description="False: more match; the same request goes on with the rest.")
