"""One notification: what a publisher asks for, checked and normalised.

`parse` is the door: it refuses with one sentence that quotes nothing. `load` reads back what was accepted
before and refuses nothing, so that a stricter release never loses what an older one took in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tasks import addresses
from tasks.attachments.place import Place, place_of
from tasks.attachments.unc import share_path
from tasks.notification_document import (
    DOCUMENT_MAX_BYTES,
    NO_CONTEXT,
    VERSION,
    Attachment,
    AttachmentDocument,
    Context,
    Document,
    FileAttachment,
    InlineAttachment,
    JobOutputAttachment,
    Lane,
    Notification,
    Priority,
)
from tasks.notification_faults import ONE_ADDRESS, InvalidNotification, refuse, translate
from tasks.notification_rules import check, check_unicode

__all__ = [
    "Attachment",
    "Context",
    "FileAttachment",
    "InlineAttachment",
    "InvalidNotification",
    "JobOutputAttachment",
    "Lane",
    "Notification",
    "Priority",
    "canonical_json",
    "digest",
    "envelope_recipients",
    "load",
    "parse",
    "refuse_unsupported",
]

_EMAIL_SEPARATORS = ";"
_TEXT_SEPARATORS = ";,"

_documents = msgspec.json.Decoder(Document)
_encoder = msgspec.json.Encoder(order="deterministic")


def parse(raw: bytes | str | Mapping[str, object]) -> Notification:
    """Check a document and return the notification it asks for.

    Raises:
        InvalidNotification: Something is not allowed; names field, fault and what is allowed, and quotes
            no address, subject or text.
    """
    notification = _assemble(_decode(raw))
    check(notification)
    return notification


def load(raw: bytes | str) -> Notification:
    """Read what `canonical_json` wrote, without judging its content again.

    Raises:
        InvalidNotification: It was not written by `canonical_json`.
    """
    return _assemble(_decode(raw), trusted=True)


def canonical_json(notification: Notification) -> bytes:
    """The one JSON text of this content: fixed order, defaults left out. `load` reads it back."""
    return _encoder.encode(notification)


def digest(notification: Notification) -> str:
    """SHA-256 in hex of what is said to whom: equal for two requests for the same thing.

    Id, key and times are left out: who repeats "within two hours" a minute later means the same.
    """
    return content_and_digest(notification)[1]


def content_and_digest(notification: Notification) -> tuple[bytes, str]:
    """The JSON text without id and key, and the digest."""
    if notification.id is not None or notification.key is not None:
        notification = msgspec.structs.replace(notification, id=None, key=None)
    content = canonical_json(notification)
    is_timed = notification.not_before or notification.expires
    timeless = (
        canonical_json(msgspec.structs.replace(notification, not_before=None, expires=None))
        if is_timed
        else content
    )
    return content, hashlib.sha256(timeless).hexdigest()


def envelope_recipients(notification: Notification) -> tuple[str, ...]:
    """All recipients once, in the order to, cc, bcc; the ledger names a recipient by its index here."""
    if not notification.cc and not notification.bcc:
        return notification.to
    return addresses.merged((*notification.to, *notification.cc, *notification.bcc))


def refuse_unsupported(notification: Notification) -> None:
    """Refuse what this version cannot do yet, rather than accept it and do nothing.

    Raises:
        InvalidNotification: An attachment is given by a path that leads nowhere.
    """
    for index, attachment in enumerate(notification.attachments):
        if isinstance(attachment, FileAttachment):
            _refuse_path(f"attachments[{index}].path", attachment.path)


def _refuse_path(field: str, path: str) -> None:
    place = place_of(path)
    if place is None:
        raise InvalidNotification(field, "is neither on a network share nor absolute", _SUPPORTED)
    if place is Place.SHARE:
        try:
            share_path.parse(path)
        except share_path.InvalidSharePath as invalid:
            raise InvalidNotification(field, invalid.fault, invalid.allowed) from None


_SUPPORTED = r"\\server\share\file, or /an/absolute/path on the worker's machine"


def _decode(raw: bytes | str | Mapping[str, object]) -> Document:
    refusal: InvalidNotification | None = None
    try:
        if isinstance(raw, Mapping):
            document = msgspec.convert(raw, Document)
        elif len(raw) > DOCUMENT_MAX_BYTES:
            refusal = refuse("notification", f"is longer than {DOCUMENT_MAX_BYTES:,} bytes")
        else:
            document = _documents.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        refusal = _of_another_version(raw) or translate(error)
    if refusal:  # raised out here, so that it carries no link to an error that quotes the document
        raise refusal
    if isinstance(raw, Mapping):
        check_unicode(document)
    return document


class _Versioned(msgspec.Struct):
    version: int


def _of_another_version(raw: bytes | str | Mapping[str, object]) -> InvalidNotification | None:
    """The better refusal for a document of a version that is not ours: its other fields mean nothing."""
    try:
        if isinstance(raw, Mapping):
            version = msgspec.convert(raw, _Versioned).version
        else:
            version = msgspec.json.decode(raw, type=_Versioned).version
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return None if version == VERSION else refuse("version", "is not known to this release")


def _assemble(document: Document, *, trusted: bool = False) -> Notification:
    separators = _TEXT_SEPARATORS if document.channel == "text" else _EMAIL_SEPARATORS

    def listed(field: str, value: tuple[str, ...] | str, separators: str = separators) -> tuple[str, ...]:
        if not value:
            return ()
        return value if trusted and isinstance(value, tuple) else _addresses(field, value, separators)

    return Notification(
        version=document.version,
        channel=document.channel,
        message=document.message,
        id=document.id,
        key=document.key,
        subject=document.subject,
        html=document.html or None,
        long_text=document.long_text,
        strict=document.strict,
        priority=document.priority,
        not_before=_utc("not_before", document.not_before),
        expires=_utc("expires", document.expires),
        context=_context(document.context),
        properties=document.properties,
        exclude_prefix=document.exclude_prefix,
        to=listed("to", document.to),
        cc=listed("cc", document.cc),
        bcc=listed("bcc", document.bcc),
        reply_to=listed("reply_to", document.reply_to),
        escalate_text_to=listed("escalate_text_to", document.escalate_text_to, _TEXT_SEPARATORS),
        attachments=tuple(_attachment(index, one) for index, one in enumerate(document.attachments))
        if document.attachments
        else (),
    )


def _addresses(field: str, value: tuple[str, ...] | str, separators: str) -> tuple[str, ...]:
    parts = addresses.split_addresses(value, separators) if isinstance(value, str) else value
    found = []
    refusal: InvalidNotification | None = None
    for index, part in enumerate(parts):
        try:
            found.append(addresses.parse_address(part))
        except addresses.InvalidAddress as fault:
            refusal = InvalidNotification(f"{field}[{index}]", str(fault), ONE_ADDRESS)
            break
    if refusal:
        raise refusal
    return addresses.merged(found) if len(found) > 1 else tuple(found)


def _utc(field: str, moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is UTC:
        return moment
    refusal: InvalidNotification | None = None
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        refusal = refuse(field, "is outside the years 1 to 9999")
    if refusal:
        raise refusal
    return moment


def _context(context: Context) -> Context:
    if context is NO_CONTEXT:
        return context
    if isinstance(context.job_number, int):
        context = msgspec.structs.replace(context, job_number=str(context.job_number))
    return NO_CONTEXT if context == NO_CONTEXT else context


def _attachment(index: int, given: AttachmentDocument) -> Attachment:
    match (given.path, given.job_output, given.name, given.content):
        case (str(path), msgspec.UNSET, msgspec.UNSET, msgspec.UNSET):
            return FileAttachment(path)
        case (msgspec.UNSET, int(job_output), msgspec.UNSET, msgspec.UNSET):
            return JobOutputAttachment(job_output)
        case (msgspec.UNSET, msgspec.UNSET, str(name), bytes(content)):
            return InlineAttachment(name, content)
    raise refuse(f"attachments[{index}]", "is none of the three forms")
