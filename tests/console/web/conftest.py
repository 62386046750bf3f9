"""One console and one browser for all tests of pages, against an installation that is empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import Browser, Page

from settings_store.access import Access
from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tests.rigs.browser import keep_pictures, open_context, running_browser, sign_in
from tests.rigs.console import Console, administrator, running_console


@pytest.fixture(scope="session")
def console_process(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The process; it keeps nothing that matters between requests."""
    folder = tmp_path_factory.mktemp("console")
    generate(folder / "keys.json")
    with running_console(valkey_url, folder, NOTIFY_KEY_FILE=str(folder / "keys.json")) as console:
        yield console


@pytest.fixture
def console(console_process: Console, redis_server: redis.Redis) -> Console:
    """A console of an empty installation: no account, no option set, no notification."""
    del redis_server  # asked for because it empties Redis
    return console_process


@pytest.fixture
def access(redis_server: redis.Redis) -> Access:
    """Its accounts."""
    return Access(redis_server)


@pytest.fixture
def store(redis_server: redis.Redis) -> SettingsStore:
    """Its options."""
    return SettingsStore(redis_server)


@pytest.fixture
def anna(access: Access) -> str:
    """An administrator of it."""
    return administrator(access)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_browser() as browser:
        yield browser


def pytest_exception_interact(report: object) -> None:
    """Keep what the browser shows where a test fails; its fixtures are still there."""
    if isinstance(report, pytest.TestReport) and report.when == "call":
        keep_pictures()


@pytest.fixture
def page(browser: Browser, console: Console, anna: str) -> Iterator[Page]:
    """A page of a browser in which the administrator has signed in."""
    with open_context(browser, console.address) as context:
        page = context.new_page()
        sign_in(page, anna)
        yield page
