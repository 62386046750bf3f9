"""What OpenAPI says besides what the framework reads from the code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from console.api.problem import MEDIA_TYPE

#: Every route with a token can end in these.
_ALWAYS: Final = (401, 403, 429, 500, 503)
_MEANING: Final = {
    401: "No token, or one that is not valid",
    403: "The token's scope lacks the privilege",
    404: "Not found",
    409: "Not possible as things stand",
    412: "Somebody saved in between",
    413: "Too large",
    415: "Not JSON",
    422: "A field is not allowed",
    428: "If-Match is missing",
    429: "Too many requests",
    500: "A defect of the console",
    503: "Redis does not answer or is nearly full, or nobody takes a test",
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "schema": {"type": "integer"},
        "description": "Seconds until asking again makes sense.",
        "required": False,
    }
}
_WITH_RETRY_AFTER: Final = frozenset({429, 503})
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The faults of a route with a token, those of every such route included."""
    return {status: _fault(status) for status in sorted({*statuses, *_ALWAYS})}


def takes(schema: type[BaseModel] | dict[str, Any]) -> dict[str, Any]:
    """What a route says of its body: `openapi_extra=takes(Pause)`."""
    document = schema if isinstance(schema, dict) else schema.model_json_schema()
    content = {"application/json": {"schema": _inlined(document)}}
    return {"requestBody": {"required": True, "content": content}}


def leads_to(*operations: str, parameter: str) -> dict[str, Any]:
    """Which operations take the `id` of a reply, and as which of their parameters."""
    return {
        "links": {
            name: {"operationId": name, "parameters": {parameter: "$response.body#/id"}}
            for name in operations
        }
    }


def describe(api: FastAPI, path: str) -> dict[str, Any]:
    """The document, with what the framework cannot know."""
    document = FastAPI.openapi(api)
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    document["servers"] = [{"url": path}]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                # The framework would answer with another status where it knew that it is required.
                if parameter["name"] == "if-match":
                    parameter["required"] = True
                    parameter["schema"] = parameter["schema"]["anyOf"][0]
    return document


def _fault(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _MEANING.get(status, HTTPStatus(status).phrase),
        "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
    }
    if status in _WITH_RETRY_AFTER:
        told["headers"] = _RETRY_AFTER
    return told


def _inlined(document: dict[str, Any]) -> dict[str, Any]:
    """A schema without definitions of its own: OpenAPI looks for those at the top of the whole document."""
    definitions = document.get("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolved(definitions[node["$ref"].rpartition("/")[2]])
        return {name: resolved(each) for name, each in node.items() if name not in {"$defs", "$schema"}}

    plain: dict[str, Any] = resolved(document)
    return plain
