"""Debian's Chromium, driven by Playwright: what a person sees, light and dark, at a desk and on a phone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, ViewportSize, expect, sync_playwright

from tests.rigs.accounts import PASSWORD
from tests.rigs.embedded import PROJECT

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
#: Colours and size: each of both once, for pages that are looked at in two ways and not in four.
Look = tuple[Literal["light", "dark"], ViewportSize]
LOOKS: tuple[Look, ...] = (("light", DESK), ("dark", PHONE))
#: The machine is shared: what takes longer than this hangs.
DEADLINE_MS = 60_000
expect.set_options(timeout=DEADLINE_MS)
#: What a browser showed where a test failed.
PICTURES = PROJECT / ".pictures"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
#: No sandbox, because tests run as root; nothing that speaks to the world by itself.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_open: list[BrowserContext] = []
#: What has the focus, and whether its middle is seen; what only those meet who hear the page is left out.
_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getClientRects()[0];
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {what: at.id || at.textContent.trim(), seen: box.width <= 1 || at.contains(top)};
}"""


def require_chromium() -> str:
    """The path of Chromium; without it the test is skipped by name, and in CI it fails."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI lacks the program chromium")
        pytest.skip("needs the program chromium")
    return found


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser without a window; contexts and pages are their users'."""
    program = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_context(
    browser: Browser,
    address: str,
    *,
    size: ViewportSize = DESK,
    scheme: Literal["light", "dark"] = "light",
    script: bool = True,
) -> Iterator[BrowserContext]:
    """Somebody's browser: cookies, size, colours, and whether script runs. Faults on pages fail the test."""
    context = browser.new_context(
        base_url=address,
        viewport=size,
        color_scheme=scheme,
        java_script_enabled=script,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Zurich",
        ignore_https_errors=True,
    )
    context.set_default_timeout(DEADLINE_MS)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    # What the content security policy forbids is told there.
    context.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    _open.append(context)
    try:
        yield context
    except BaseException:
        keep_pictures()
        raise
    finally:
        _open.remove(context)
        context.close()
    assert not faults, faults


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Sign in by the form, and wait for the page after it."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def assert_accessible(page: Page) -> None:
    """axe finds nothing on the page as it is now (WCAG 2.2 A and AA, and best practices)."""
    found = Axe().run(page).response["violations"]
    told = [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: {[node['target'] for node in fault['nodes']]}"
        for fault in found
    ]
    assert not told, "\n".join(told)


def assert_focus_is_seen(page: Page, *, most: int = 500) -> int:
    """Tab through a page on which nothing has the focus: nothing that gets it is behind something else.

    Returns how many places that were, `most` at the most.
    """
    behind, places = [], 0
    while places < most:
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUS)
        if found is None:
            break
        places += 1
        if not found["seen"]:
            behind.append(found["what"])
    assert not behind, behind
    return places


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window; tables scroll in their own frame."""
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1], widths


def keep_pictures(folder: Path = PICTURES) -> None:
    """Keep what every open page shows now, in whole, under the name of the test that runs."""
    test = re.sub(r"[^A-Za-z0-9]+", "-", os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2])
    pages = [page for context in _open for page in context.pages]
    for number, page in enumerate(pages, start=1):
        # A page that is broken must not hide why the test failed.
        with contextlib.suppress(Error):
            # It makes the folder.
            page.screenshot(path=folder / f"{test.strip('-')[:150]}-{number}.png", full_page=True)
