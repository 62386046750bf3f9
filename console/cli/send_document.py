"""From flags, files and pipes to one checked notification."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.cli.cell_text import shown
from console.cli.errors import BadInput
from console.cli.moment import moment
from console.cli.piped import as_text, file_bytes, nobody_pipes, stdin_bytes
from console.cli.recipients import recipients
from console.cli.send_flags import ABOUT_SENDING
from tasks import notification as notifications
from tasks.entries import checked
from tasks.notification import InlineAttachment, InvalidNotification, Notification
from tasks.server import Channel

_ADDRESSES = ("to", "cc", "bcc", "reply_to", "escalate_text_to")
_CONTEXT = ("schedule_date", "schedule", "job", "job_number", "machine", "trigger", "status")
_AS_GIVEN = ("subject", "long_text", "priority", "id", "key")
#: Without any of these an e-mail that has no text says nothing.
_TELLING = ("subject", "attach", "attach_path", "job_output", *_CONTEXT)
_UNC = "\\\\"


def notification_of(channel: Channel, given: Mapping[str, Any]) -> Notification:
    """The notification that a command line asks for.

    Raises:
        BadInput: A flag, a file or what is piped in cannot be used.
    """
    try:
        return _from_json(channel, given) if given["from_json"] else checked(_document(channel, given))
    except InvalidNotification as fault:
        raise BadInput(str(fault).rstrip("."), _hint(channel, fault.field)) from None


def _document(channel: Channel, given: Mapping[str, Any]) -> dict[str, Any]:
    if not given["to"]:
        raise BadInput("--to is missing", f"`notify send {channel} --to ADDRESS --message TEXT`")
    document: dict[str, Any] = {"version": 1, "channel": channel}
    document |= {
        name: recipients(f"--{name.replace('_', '-')}", given[name]) for name in _ADDRESSES if given.get(name)
    }
    document |= {name: given[name] for name in _AS_GIVEN if given.get(name) is not None}
    if given.get("html"):
        document["html"] = as_text(file_bytes("--html", given["html"]), given["html"])
    document["message"] = _message(channel, given)
    document["attachments"] = [_attachment(name) for name in given.get("attach") or ()]
    document["attachments"] += [{"path": path} for path in given.get("attach_path") or ()]
    document["attachments"] += [{"job_output": number} for number in given.get("job_output") or ()]
    document["strict"] = bool(given.get("strict"))
    for name in ("not_before", "expires"):
        if given[name]:
            at = moment(given[name], f"--{name.replace('_', '-')}", "from now")
            document[name] = at.isoformat()
    document["context"] = {name: given[name] for name in _CONTEXT if given[name] is not None}
    document["properties"] = _properties(given["properties"])
    document["exclude_prefix"] = given["exclude_prefix"]
    return document


def _from_json(channel: Channel, given: Mapping[str, Any]) -> Notification:
    also = [name for name, value in given.items() if name not in ABOUT_SENDING and value]
    if also:
        flag = f"--{also[0].replace('_', '-')}"
        raise BadInput(
            f"--from-json brings the whole notification, so {flag} has no place", f"leave {flag} out"
        )
    source = given["from_json"]
    content = stdin_bytes() if source == "-" else file_bytes("--from-json", source)
    notification = checked(content)
    if notification.channel != channel:
        raise BadInput(
            f"channel: the document says {notification.channel}, the command {channel}",
            f"`notify send {notification.channel} --from-json {source}`",
        )
    return notification


def _message(channel: Channel, given: Mapping[str, Any]) -> str:
    message: str | None = given["message"]
    if message is not None and message != "-":
        return message
    if message is None and given.get("html"):
        return ""
    piped = b"" if message is None and nobody_pipes() else stdin_bytes()
    if message is None and not piped and not any(given.get(name) for name in _TELLING):
        raise BadInput(
            "--message is missing, and nothing is piped in",
            f"--message TEXT, or `COMMAND | notify send {channel} --to ADDRESS`",
        )
    return as_text(piped, "stdin")


def _attachment(name: str) -> dict[str, Any]:
    if name.startswith(_UNC):
        return {"path": name}
    content = file_bytes("--attach", name)
    return {"name": Path(name).name, "content_base64": b64encode(content).decode()}


def _properties(pairs: Iterable[str]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput("--property: has no = in it", "--property NAME=VALUE")
        if name in properties:
            raise BadInput(f"--property {name}: is given twice", "give each property once")
        properties[name] = value
    return properties


def _hint(channel: Channel, field: str) -> str:
    if field == "notification":
        return "`notify schema` prints what a notification may hold"
    return f"`notify send {channel} --help` shows every flag, `notify schema` every limit"


def document_json(notification: Notification) -> Any:
    """The notification as it would be recorded, in plain JSON values."""
    return msgspec.json.decode(notifications.canonical_json(notification))


def document_lines(notification: Notification) -> list[str]:
    """The same for a person, with sizes in place of what is attached."""
    document = document_json(notification)
    for place, attachment in enumerate(notification.attachments):
        if isinstance(attachment, InlineAttachment):
            document["attachments"][place]["content_base64"] = f"<{len(attachment.content):,} bytes>"
    return [shown(line) for line in json.dumps(document, indent=2, ensure_ascii=False).splitlines()]
