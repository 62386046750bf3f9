"""Why a notification is not accepted, in one sentence that holds nothing of its content.

    ValueError
    ├── InvalidNotification   a field of the JSON document is not allowed
    ├── InvalidAddress        one address is not allowed (`tasks.addresses`)
    └── TextTooLong           a text needs more than one message (`tasks.gsm7`)

The last two say what is wrong with a value; whoever knows the field turns them into the first.
"""

from __future__ import annotations

import re

import msgspec

#: What each field may hold, in the words of error messages and of the published schema.
ALLOWED: dict[str, str] = {
    "notification": "one JSON object in UTF-8 of at most 16 MiB",
    "version": "1",
    "channel": '"email" or "text"',
    "to": "1 to 1,000 addresses, as a list or as one string separated by ; (in texts also by ,)",
    "cc": "up to 1,000 addresses as in `to`, for e-mail only",
    "bcc": "up to 1,000 addresses as in `to`, for e-mail only",
    "reply_to": "up to 100 addresses as in `to`",
    "subject": "up to 10,000 characters without control characters, for e-mail only",
    "message": "up to 1,048,576 characters, in texts at least one that is not blank",
    "html": "null or up to 1,048,576 characters, for e-mail only",
    "id": "null or 1 to 64 of A-Z a-z 0-9 . _ - where a dot stands between two others",
    "key": "null or 1 to 200 printable characters",
    "long_text": '"cut" or "refuse"',
    "attachments": (
        'up to 999 of {"path"}, {"job_output"} or {"name", "content_base64"}, for e-mail only, '
        "inline content up to 10 MiB in total"
    ),
    "path": "1 to 4,000 characters without control characters",
    "job_output": "an integer from 1 to 9,223,372,036,854,775,807",
    "name": "1 to 255 characters, a file name without folders and without control characters",
    "content_base64": "standard base64 with padding and without line breaks",
    "strict": "true or false",
    "priority": '"high", "normal" or "low"',
    "not_before": "null or an RFC 3339 time with its offset from UTC",
    "expires": "null or an RFC 3339 time with its offset from UTC, later than not_before",
    "context": "an object of schedule_date, schedule, job, job_number, machine, trigger, status",
    "schedule_date": "null or up to 1,000 characters",
    "schedule": "null or up to 1,000 characters",
    "job": "null or up to 1,000 characters",
    "job_number": "null, an integer from 1 to 9,223,372,036,854,775,807 or up to 1,000 characters",
    "machine": "null or up to 1,000 characters",
    "trigger": "null or up to 1,000 characters",
    "status": "null or up to 1,000 characters",
    "properties": "up to 500 names of 1 to 128 characters, each with a string of up to 4,000 characters",
    "exclude_prefix": "true or false",
    "escalate_text_to": "up to 100 addresses as in `to`, for e-mail only",
}

#: What a single address may be.
ONE_ADDRESS = "one mailbox with its domain, name@domain, of at most 254 bytes and without a display name"

_LOCATED = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected `[^`]*`, got `(\w+)`")
_LENGTH = re.compile(r"Expected `(\w+)` of length (<=|>=) (\d+)")
_INDEX = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"[A-Za-z_]\w{0,40}", re.ASCII)

_FAULTS = (
    ("Invalid enum value", "is not one of the known values"),
    ("Invalid RFC3339", "is not an RFC 3339 time"),
    ("Expected `datetime` with a timezone", "has no offset from UTC"),
    ("Invalid base64", "is not base64"),
    ("Expected `int` >=", "is too small"),
    ("Expected `int` <=", "is too large"),
    ("Integer value out of range", "is too large"),
)


class InvalidNotification(ValueError):
    """A notification was refused before it was accepted: nothing of it is kept and nothing was sent.

    Attributes:
        field: Where, as a path such as `to[3]` or `context.job`; `notification` is the whole document.
        fault: What is wrong there, by rule only: never an address, subject, text or other content.
        allowed: What the field may hold.
    """

    def __init__(self, field: str, fault: str, allowed: str) -> None:
        super().__init__(field, fault, allowed)
        self.field = field
        self.fault = fault
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.field} {self.fault}; allowed: {self.allowed}."


def refuse(field: str, fault: str) -> InvalidNotification:
    """The error for a field, with what the catalogue of rules allows there."""
    last = _INDEX.sub("", field).rsplit(".", 1)[-1]
    return InvalidNotification(field, fault, ALLOWED.get(last, ALLOWED["notification"]))


def translate(error: Exception) -> InvalidNotification:
    """Turn the decoder's error into ours, keeping rule and path and dropping whatever it quotes."""
    if not isinstance(error, msgspec.ValidationError):
        return refuse("notification", "is not JSON")
    located = _LOCATED.fullmatch(str(error))
    what, key, path = located.group("what", "key", "path") if located else ("", None, None)
    path = path if path and all(name in ALLOWED for name in _INDEX.sub("", path).split(".")) else ""
    if missing := _MISSING.match(what):
        return refuse(f"{path}.{missing[1]}" if path else missing[1], "is missing")
    if unknown := _UNKNOWN.match(what):
        if not _NAME.fullmatch(unknown[1]):
            return InvalidNotification(path or "notification", "has an unknown field", _siblings(path))
        return InvalidNotification(
            f"{path}.{unknown[1]}" if path else unknown[1], "is unknown", _siblings(path)
        )
    return refuse(path or "notification", f"has a name that {_fault(what)}" if key else _fault(what))


def _fault(what: str) -> str:
    if wrong := _WRONG_TYPE.match(what):
        return f"is of JSON type {wrong[1]}"
    if length := _LENGTH.match(what):
        unit = "characters" if length[1] == "str" else "entries"
        return f"has {'more' if length[2] == '<=' else 'fewer'} than {int(length[3]):,} {unit}"
    return next((fault for start, fault in _FAULTS if what.startswith(start)), "is not allowed")


def _siblings(path: str) -> str:
    """What may stand beside an unknown field."""
    if path:
        return ALLOWED.get(_INDEX.sub("", path), ALLOWED["notification"])
    inner = {"notification", "path", "job_output", "name", "content_base64", "schedule_date", "schedule"}
    inner |= {"job", "job_number", "machine", "trigger", "status"}
    return ", ".join(name for name in ALLOWED if name not in inner)
