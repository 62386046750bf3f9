"""A judge for the part of JSON Schema that our schemas use; an unknown keyword is an error, never ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "format", "contentEncoding"}
_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}


def is_valid(value: object, schema: dict[str, Any], root: dict[str, Any] | None = None) -> bool:
    """Whether a plain JSON value is valid by the schema."""
    root = root or schema
    if reference := schema.get("$ref"):
        return is_valid(value, root["$defs"][reference.rsplit("/", 1)[1]], root)
    for keyword, rule in schema.items():
        if keyword in _SAYS_NOTHING:
            continue
        if keyword in _OF_ONE_KIND:
            kind, holds = _OF_ONE_KIND[keyword]
            if isinstance(value, kind) and not holds(value, rule, schema, root):
                return False
        elif not _OF_ALL[keyword](value, rule, root):
            return False
    return True


def _is_of_type(value: object, rule: str, _root: dict[str, Any]) -> bool:
    return isinstance(value, _TYPES[rule]) and (rule != "integer" or not isinstance(value, bool))


def _others_hold(value: dict[str, Any], rule: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    others = [value[name] for name in value if name not in schema.get("properties", {})]
    return not others if rule is False else all(is_valid(other, rule, root) for other in others)


_OF_ALL: dict[str, Callable[[object, Any, dict[str, Any]], bool]] = {
    "type": _is_of_type,
    "enum": lambda value, rule, _: any(value == one and type(value) is type(one) for one in rule),
    "anyOf": lambda value, rule, root: any(is_valid(value, one, root) for one in rule),
    "oneOf": lambda value, rule, root: sum(is_valid(value, one, root) for one in rule) == 1,
}

_OF_ONE_KIND: dict[str, tuple[type, Callable[[Any, Any, dict[str, Any], dict[str, Any]], bool]]] = {
    "properties": (
        dict,
        lambda value, rule, _, root: all(
            is_valid(value[name], one, root) for name, one in rule.items() if name in value
        ),
    ),
    "required": (dict, lambda value, rule, *_: all(name in value for name in rule)),
    "additionalProperties": (dict, _others_hold),
    "propertyNames": (dict, lambda value, rule, _, root: all(is_valid(name, rule, root) for name in value)),
    "maxProperties": (dict, lambda value, rule, *_: len(value) <= rule),
    "items": (list, lambda value, rule, _, root: all(is_valid(item, rule, root) for item in value)),
    "maxItems": (list, lambda value, rule, *_: len(value) <= rule),
    "maxLength": (str, lambda value, rule, *_: len(value) <= rule),
    "minLength": (str, lambda value, rule, *_: len(value) >= rule),
    "minimum": (int, lambda value, rule, *_: bool(value >= rule)),
    "maximum": (int, lambda value, rule, *_: bool(value <= rule)),
}
