"""The JSON schema of a notification, for publishers that want to check before they send."""

from __future__ import annotations

from typing import Any

import msgspec

from tasks.notification_document import Document, FileAttachment, InlineAttachment, JobOutputAttachment
from tasks.notification_faults import ALLOWED

_REFERENCE = "#/$defs/{name}"


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the document v1, in plain JSON values.

    Whatever `tasks.notification.parse` accepts as JSON is valid by it. The reverse holds for names, types
    and sizes; the rules that join several fields are told in the descriptions alone.
    """
    forms = (FileAttachment, JobOutputAttachment, InlineAttachment)
    _, components = msgspec.json.schema_components((Document, *forms), ref_template=_REFERENCE)
    definitions: dict[str, dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(components))
    for definition in definitions.values():
        for name, field in definition["properties"].items():
            field["description"] = ALLOWED[name]
    document = definitions.pop("Document")
    del definitions["AttachmentDocument"]
    references = [{"$ref": _REFERENCE.format(name=form.__name__)} for form in forms]
    document["properties"]["attachments"]["items"] = {"oneOf": references}
    titles = {"title": "Notification v1", "description": ALLOWED["notification"]}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **document, **titles, "$defs": definitions}
