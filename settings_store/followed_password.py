"""A password of Redis that is changed in its file holds for the next connection, with no restart."""

from __future__ import annotations

from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from redis.credentials import CredentialProvider


class FollowedPassword(CredentialProvider):
    """Tells user and password as the file with the URL has them now.

    Where the file cannot be read at the moment, or names none, those of the start are told.

    Args:
        file: What `NOTIFY_REDIS_URL_FILE` names.
        url: What stood in it at the start; with a password.
    """

    def __init__(self, file: Path, url: str) -> None:
        self._file = file
        self._at_start = urlsplit(url)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Password, or user and password."""
        parts = self._now()
        password = unquote(parts.password or "")
        return (unquote(parts.username), password) if parts.username else (password,)

    def _now(self) -> SplitResult:
        try:
            parts = urlsplit(self._file.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return self._at_start
        return parts if parts.password else self._at_start


def follow_password(client: redis.Redis, file: Path | None, url: str) -> redis.Redis:
    """Have a client that is not connected yet sign in as the file says at that moment; the client.

    Nothing changes where the URL is in no file, or holds no password.
    """
    if file is not None and urlsplit(url).password:
        given = cast("dict[str, object]", client.connection_pool.connection_kwargs)
        given.pop("username", None)
        given.pop("password", None)
        given["credential_provider"] = FollowedPassword(file, url)
    return client
