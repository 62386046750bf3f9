"""What surrounds every page, in a real browser."""

from __future__ import annotations

from typing import Literal

import pytest
import redis
from playwright.sync_api import Browser, Page, ViewportSize, expect

from settings_store.access import Access
from settings_store.store import SettingsStore
from tasks.pausing import Pausing
from tests.rigs.accounts import PASSWORD
from tests.rigs.browser import DESK, PHONE, assert_accessible, assert_fits, open_context, sign_in
from tests.rigs.console import Console


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_of_the_frame_are_accessible_and_fit(
    browser: Browser, console: Console, anna: str, scheme: Literal["light", "dark"], size: ViewportSize
) -> None:
    with open_context(browser, console.address, size=size, scheme=scheme) as context:
        page = context.new_page()
        for path in ("/sign-in", "/nothing"):
            page.goto(path)
            assert_accessible(page)
            assert_fits(page)
        sign_in(page, anna)
        for path in ("/", "/password", "/nothing"):
            page.goto(path)
            assert_accessible(page)
            assert_fits(page)


def test_somebody_signs_in_and_out_without_script(browser: Browser, console: Console, anna: str) -> None:
    with open_context(browser, console.address, script=False) as context:
        page = context.new_page()
        page.goto("/password?x=1")
        page.get_by_label("Name").fill(anna)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("Name or password is not valid.")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{console.address}/password?x=1")
        page.get_by_role("button", name="Sign out").click()
        page.goto("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_who_was_given_a_password_chooses_another_before_anything_else(
    browser: Browser, console: Console, access: Access, anna: str
) -> None:
    access.set_password(anna, "made by somebody else", by="root@test", must_change=True)
    with open_context(browser, console.address) as context:
        page = context.new_page()
        sign_in(page, anna, "made by somebody else")
        page.goto("/")
        expect(page).to_have_url(f"{console.address}/password")
        assert_accessible(page)
        page.get_by_label("Current password").fill("made by somebody else")
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password once more").fill(PASSWORD)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("status")).to_contain_text("Your password is changed")
        expect(page).to_have_url(f"{console.address}/")
        page.reload()
        expect(page.get_by_role("status")).to_have_count(0)


#: So long that every live part has had its turn.
TURN_MS = 10_000


class TestAPageThatKeepsItselfLive:
    """What an operator leaves open, and looks at an hour later."""

    def test_a_banner_comes_and_goes_by_itself(
        self, page: Page, store: SettingsStore, redis_server: redis.Redis
    ) -> None:
        store.change(
            {"primary_email.server_name": "mail.example", "secondary_email.server_name": "two.example"},
            author="bert",
        )
        page.clock.install()
        page.goto("/accounts")
        expect(page.locator(".banner")).to_have_count(0)
        pausing = Pausing(redis_server, store)
        pausing.pause("primary_email", by="bert", reason="new certificate")
        page.clock.fast_forward(TURN_MS)
        expect(page.locator(".banner")).to_contain_text("go by Secondary Email, because Primary Email")
        assert_accessible(page)
        pausing.resume("primary_email", by="bert")
        page.clock.fast_forward(TURN_MS)
        expect(page.locator(".banner")).to_have_count(0)

    def test_it_says_so_while_it_cannot_be_and_is_live_again_by_itself(
        self, browser: Browser, console: Console, anna: str
    ) -> None:
        with open_context(browser, console.address) as context:
            page = context.new_page()
            page.clock.install()
            sign_in(page, anna)
            page.goto("/")
            told = page.get_by_role("alert")
            context.set_offline(True)
            page.clock.fast_forward(TURN_MS)
            expect(told).to_contain_text("no longer up to date: the console or its Redis does not answer")
            assert_accessible(page)
            context.set_offline(False)
            page.clock.fast_forward(TURN_MS)
            expect(told).to_have_count(0)
            context.clear_cookies()
            page.clock.fast_forward(TURN_MS)
            expect(told).to_contain_text("You are signed out")
            told.get_by_role("link", name="Sign in again").click()
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
