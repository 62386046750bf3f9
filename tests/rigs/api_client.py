"""A program that speaks to the HTTP API with a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import requests

from settings_store.access import GRANTABLE, Access, Privilege
from tests.rigs.console import REPLY_DEADLINE_SECONDS

PROBLEM = "application/problem+json"


class ApiClient:
    """Asks for what is below `/api/v1`."""

    def __init__(self, address: str, token: str = "") -> None:
        self.root = address
        self.address = f"{address}/api/v1"
        self.token = token
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> requests.Response:
        return self.ask("GET", path, params=query, headers=headers)

    def post(
        self, path: str, document: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self.ask("POST", path, json=document, headers=headers)

    def patch(self, path: str, document: Any, headers: Mapping[str, str] | None = None) -> requests.Response:
        return self.ask("PATCH", path, json=document, headers=headers)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.http.request(method, self.address + path, timeout=REPLY_DEADLINE_SECONDS, **more)


def token_for(access: Access, *privileges: Privilege, name: str = "ci") -> str:
    """A token of this scope; of every one that can be given unless told otherwise."""
    scope: Iterable[Privilege] = privileges or GRANTABLE
    return access.create_token(name, scope, lifetime=timedelta(days=1), by="root@test")


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem that a reply is, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:notify:problem:")
    assert document["title"]
    assert document["detail"]
    return document
