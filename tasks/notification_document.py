"""The shapes of a notification: the JSON document v1 as somebody wrote it, and what it becomes in memory.

Names, types and sizes are here, for the decoder to check; what follows from several fields together is in
`tasks.notification_rules`. No shape shows content in its repr, so that none reaches a traceback or a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tasks.server import Channel

VERSION: Final = 1

DOCUMENT_MAX_BYTES = 16 * 1024 * 1024
#: Of to, cc and bcc together, repetitions merged.
RECIPIENTS_MAX = 1_000
#: Of reply_to, and of escalate_text_to.
OTHER_ADDRESSES_MAX = 100
#: A bound for the decoder alone; what an address may be is said in `tasks.addresses`.
ADDRESS_MAX_CHARACTERS = 1_000
ADDRESS_LIST_MAX_CHARACTERS = RECIPIENTS_MAX * 257
#: As the wider of the two limits that OpCon states for a subject.
SUBJECT_MAX_CHARACTERS = 10_000
MESSAGE_MAX_CHARACTERS = 1024 * 1024
HTML_MAX_CHARACTERS = 1024 * 1024
ID_MAX_CHARACTERS = 64
KEY_MAX_CHARACTERS = 200
CONTEXT_VALUE_MAX_CHARACTERS = 1_000
PROPERTIES_MAX = 500
PROPERTY_NAME_MAX_CHARACTERS = 128
PROPERTY_VALUE_MAX_CHARACTERS = 4_000
#: The highest value of the options Maximum Number of Attachments.
ATTACHMENTS_MAX = 999
#: All inline content of a notification together, decoded.
INLINE_MAX_BYTES = 10 * 1024 * 1024
INLINE_NAME_MAX_CHARACTERS = 255
PATH_MAX_CHARACTERS = 4_000
JOB_NUMBER_MAX = 2**63 - 1

Priority = Literal["high", "normal", "low"]
Lane = Literal["high", "normal", "low", "files"]
LongText = Literal["cut", "refuse"]
Timestamp = Annotated[datetime, Meta(tz=True)]

_JobNumber = Annotated[int, Meta(ge=1, le=JOB_NUMBER_MAX)]
_Value = Annotated[str, Meta(max_length=CONTEXT_VALUE_MAX_CHARACTERS)]
_Address = Annotated[str, Meta(max_length=ADDRESS_MAX_CHARACTERS)]
_AddressList = Annotated[str, Meta(max_length=ADDRESS_LIST_MAX_CHARACTERS)]
_Recipients = Annotated[tuple[_Address, ...], Meta(max_length=RECIPIENTS_MAX)] | _AddressList
_OtherAddresses = Annotated[tuple[_Address, ...], Meta(max_length=OTHER_ADDRESSES_MAX)] | _AddressList


class Context(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the scheduler knew when it sent the notification: source of prefix and tokens."""

    schedule_date: _Value | None = None
    schedule: _Value | None = None
    job: _Value | None = None
    job_number: _JobNumber | _Value | None = None
    machine: _Value | None = None
    trigger: _Value | None = None
    status: _Value | None = None

    def __repr__(self) -> str:
        return "Context(...)"


NO_CONTEXT = Context()


class Common(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields that are alike on the wire and in memory."""

    version: Literal[1]
    channel: Channel
    message: Annotated[str, Meta(max_length=MESSAGE_MAX_CHARACTERS)]
    id: Annotated[str, Meta(min_length=1, max_length=ID_MAX_CHARACTERS)] | None = None
    key: Annotated[str, Meta(min_length=1, max_length=KEY_MAX_CHARACTERS)] | None = None
    subject: Annotated[str, Meta(max_length=SUBJECT_MAX_CHARACTERS)] = ""
    html: Annotated[str, Meta(max_length=HTML_MAX_CHARACTERS)] | None = None
    long_text: LongText = "cut"
    strict: bool = False
    priority: Priority = "normal"
    not_before: Timestamp | None = None
    expires: Timestamp | None = None
    context: Context = NO_CONTEXT
    properties: Annotated[
        Mapping[
            Annotated[str, Meta(min_length=1, max_length=PROPERTY_NAME_MAX_CHARACTERS)],
            Annotated[str, Meta(max_length=PROPERTY_VALUE_MAX_CHARACTERS)],
        ],
        Meta(max_length=PROPERTIES_MAX),
    ] = msgspec.field(default_factory=dict)
    exclude_prefix: bool = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, channel={self.channel!r}, ...)"


class FileAttachment(Struct, frozen=True, forbid_unknown_fields=True):
    """An attachment by its path: on a network share, or below an allowed folder of the worker's machine."""

    path: Annotated[str, Meta(min_length=1, max_length=PATH_MAX_CHARACTERS)]

    def __repr__(self) -> str:
        return "FileAttachment(...)"


class JobOutputAttachment(Struct, frozen=True, forbid_unknown_fields=True):
    """An attachment by the number of the job whose output it is."""

    job_output: _JobNumber


class InlineAttachment(Struct, frozen=True, forbid_unknown_fields=True):
    """An attachment that the document carries; its content is decoded here."""

    name: Annotated[str, Meta(min_length=1, max_length=INLINE_NAME_MAX_CHARACTERS)]
    content: bytes = msgspec.field(name="content_base64")

    def __repr__(self) -> str:
        return f"InlineAttachment(<{len(self.content)} bytes>)"


Attachment = FileAttachment | JobOutputAttachment | InlineAttachment


class AttachmentDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """Any of the three; which one, its keys say."""

    path: Annotated[str, Meta(min_length=1, max_length=PATH_MAX_CHARACTERS)] | UnsetType = UNSET
    job_output: _JobNumber | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=INLINE_NAME_MAX_CHARACTERS)] | UnsetType = UNSET
    content: bytes | UnsetType = msgspec.field(name="content_base64", default=UNSET)

    def __repr__(self) -> str:
        return "AttachmentDocument(...)"


class Document(Common, frozen=True, kw_only=True):
    """A notification as somebody wrote it."""

    to: _Recipients
    cc: _Recipients = ()
    bcc: _Recipients = ()
    reply_to: _OtherAddresses = ()
    escalate_text_to: _OtherAddresses = ()
    attachments: Annotated[tuple[AttachmentDocument, ...], Meta(max_length=ATTACHMENTS_MAX)] = ()


class Notification(Common, frozen=True, kw_only=True):
    """An accepted notification: addresses normalised and merged, times in UTC, attachments told apart."""

    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    escalate_text_to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def lane(self) -> Lane:
        """The queue it belongs to: `files` where an attachment must be fetched, else its priority."""
        fetched = self.attachments and not all(
            isinstance(attachment, InlineAttachment) for attachment in self.attachments
        )
        return "files" if fetched else self.priority
