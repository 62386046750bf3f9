"""Every page and every answer of a console that can be asked for by GET, from what the routes declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import requests

from console.api.application import api_routes
from console.web.application import page_routes
from tests.rigs.api_client import ApiClient
from tests.rigs.console import Visitor

PROBES = ("/livez", "/readyz", "/metrics")
#: Pages that show nothing without one.
_QUERIES = {"/corrections": "?action=replay&message={message_id}"}
_PART = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")


def every_page(visitor: Visitor, parts: Mapping[str, str]) -> Iterator[tuple[str, requests.Response]]:
    """Each page with its path; the parts of a path by name are filled in with what they are given."""
    for route in page_routes():
        if route.method == "GET":
            path = _filled(route.path, parts)
            path += _QUERIES.get(route.path, "").format(**parts)
            yield f"GET {path}", visitor.get(path)


def every_answer(client: ApiClient, parts: Mapping[str, str]) -> Iterator[tuple[str, requests.Response]]:
    """Each answer of the API with its path, and its description of itself."""
    for route in api_routes():
        if "GET" in (route.methods or ()):
            path = _filled(route.path, parts)
            query = {"older": "0"} if path.endswith("/diff") else {}
            yield f"GET {path}", client.ask("GET", path, params=query)
    yield "GET /openapi.json", client.get("/openapi.json")


def _filled(path: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda found: parts[found[1]], path)
