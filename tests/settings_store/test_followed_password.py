"""Which password a connection signs in with, while the file that has it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from settings_store import environment
from settings_store.followed_password import FollowedPassword, follow_password
from settings_store.redis_client import connect

START = "redis://worker:at%2Fthe%40start@host:6379/0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "redis-url"


@pytest.mark.parametrize(
    "text, told",
    [
        ("redis://worker:new@host:6379/0\n", ("worker", "new")),
        ("rediss://:n%2Fe%40w@host:6379/0", ("n/e@w",)),
        ("redis://worker:@host:6379/0", ("worker", "at/the@start")),
        ("redis://host:6379/0", ("worker", "at/the@start")),
        ("redis://[bad", ("worker", "at/the@start")),
        ("", ("worker", "at/the@start")),
        (None, ("worker", "at/the@start")),
    ],
)
def test_the_file_is_read_each_time_and_what_says_nothing_changes_nothing(
    file: Path, text: str | None, told: tuple[str, ...]
) -> None:
    followed = FollowedPassword(file, START)
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert followed.get_credentials() == told


def test_a_connection_signs_in_with_what_holds_now(
    redis_server: redis.Redis, valkey_url: str, file: Path
) -> None:
    def written(password: str) -> str:
        url = valkey_url.replace("redis://", f"redis://worker:{password}@")
        file.write_text(url, encoding="utf-8")
        return url

    redis_server.acl_setuser("worker", enabled=True, passwords=["+old"], categories=["+@all"])
    url = written("old")
    try:
        with follow_password(connect(url, retries=0), file, url) as client:
            assert client.ping()
            redis_server.acl_setuser("worker", enabled=True, passwords=["-old", "+new"])
            client.connection_pool.disconnect()
            with pytest.raises(redis.AuthenticationError):
                client.ping()
            written("new")
            assert client.ping()
    finally:
        redis_server.acl_deluser("worker")


def test_a_url_without_password_or_without_a_file_is_left_as_it_is(file: Path) -> None:
    for url, named in (("redis://host:6379/0", file), (START, None)):
        with follow_password(connect(url), named, url) as client:
            assert "credential_provider" not in client.connection_pool.connection_kwargs


def test_the_environment_knows_the_file_that_the_address_is_from(file: Path) -> None:
    file.write_text(START, encoding="utf-8")
    assert environment.load({"NOTIFY_REDIS_URL_FILE": str(file)}).redis_url_file == file
    assert environment.load({"NOTIFY_REDIS_URL": START}).redis_url_file is None
