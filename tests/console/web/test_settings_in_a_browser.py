"""The settings page as somebody uses it, with script and without, by keyboard, at a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from settings_store.catalog import ALL_OPTIONS
from settings_store.store import SettingsStore
from tests.rigs.browser import (
    LOOKS,
    Look,
    assert_accessible,
    assert_fits,
    assert_focus_is_seen,
    open_context,
    sign_in,
)
from tests.rigs.console import Console

PORT = "SMTP Server Port (Secondary Email)"


def test_same_as_primary_greys_the_secondary_out_and_brings_its_own_back(
    page: Page, store: SettingsStore
) -> None:
    store.change(
        {"primary_email.server_name": "one.example", "secondary_email.server_name": "two.example"},
        author="bert",
    )
    page.goto("/settings")
    secondary = page.get_by_label("SMTP Server Name (Secondary Email)")
    mirror = page.get_by_label("Same as primary SMTP settings (email)")
    mirror.check()
    expect(secondary).to_be_disabled()
    expect(secondary).to_have_value("one.example")
    page.get_by_label("SMTP Server Name (Primary Email)").fill("other.example")
    expect(secondary).to_have_value("other.example")
    mirror.uncheck()
    expect(secondary).to_have_value("two.example")
    mirror.check()
    page.locator(".bar").get_by_role("button").click()
    expect(page.get_by_role("heading", name="So Secondary Email becomes")).to_be_visible()
    page.get_by_label("Reason").fill("one relay for now")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved as revision 2")
    expect(page.get_by_label("SMTP Server Name (Secondary Email)")).to_be_disabled()
    assert store.snapshot().text("secondary_email.server_name") == "other.example"
    page.get_by_label("Same as primary SMTP settings (email)").uncheck()
    expect(page.get_by_label("SMTP Server Name (Secondary Email)")).to_have_value("two.example")


def test_somebody_changes_resets_and_goes_back_without_script(
    browser: Browser, console: Console, anna: str, store: SettingsStore
) -> None:
    with open_context(browser, console.address, script=False) as context:
        page = context.new_page()
        sign_in(page, anna)
        page.goto("/settings")
        page.get_by_label(PORT).fill("2525")
        page.get_by_label(PORT).press("Enter")
        expect(page.get_by_role("heading", name="Review the change")).to_be_visible()
        page.get_by_role("button", name="Back to the form").click()
        expect(page.get_by_label(PORT)).to_have_value("2525")
        page.locator(".bar").get_by_role("button").click()
        page.get_by_label("Reason").fill("a port of its own")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved as revision 1")
        expect(page.locator('[data-key="secondary_email.server_port"]')).to_contain_text("Changed by anna")
        page.locator('[data-key="secondary_email.server_port"]').get_by_role("button").click()
        page.get_by_label("Reason").fill("no longer")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved as revision 2")
        assert not store.changed()
        page.goto("/settings/history/1")
        page.get_by_label("Reason").fill("yes it is")
        page.get_by_role("button", name="Roll back to revision 1").click()
        expect(page.get_by_label(PORT)).to_have_value("2525")


def test_the_browser_refuses_what_the_catalogue_does_and_opens_what_hides_it(page: Page) -> None:
    page.goto("/settings")
    page.get_by_role("heading", name="Delivery").click()
    page.get_by_label("Age limit of an e-mail").fill("1000")
    page.get_by_role("heading", name="Delivery").click()
    expect(page.locator("[data-count]")).to_have_text("1 change, not saved yet.")
    page.locator(".bar").get_by_role("button").click()
    expect(page.get_by_label("Age limit of an e-mail")).to_be_focused()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_pages_of_the_settings_are_accessible_and_fit(
    browser: Browser, console: Console, anna: str, store: SettingsStore, look: Look
) -> None:
    store.change(
        {"primary_email.server_name": "a" * 200, "mirror.sms": True}, author="bert", reason="r" * 500
    )
    with open_context(browser, console.address, size=look[1], scheme=look[0]) as context:
        page = context.new_page()
        sign_in(page, anna)
        for path in (
            "/settings?saved=1",
            "/settings/history",
            "/settings/history/0",
            "/settings/import",
            "/settings/encrypt",
        ):
            page.goto(path)
            assert_accessible(page)
            assert_fits(page)
        page.goto("/settings")
        assert assert_focus_is_seen(page) > len(ALL_OPTIONS) / 2
        page.get_by_label(PORT).fill("587")
        page.locator(".bar").get_by_role("button").click()
        store.change({"primary_email.server_port": 26}, author="bert", reason="in between")
        page.get_by_label("Reason").fill("mine")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="What they changed")).to_be_visible()
        assert_accessible(page)
        assert_fits(page)
        page.goto("/settings")
        page.evaluate("document.getElementById('settings').noValidate = true")
        page.get_by_label(PORT).fill("0")
        page.locator(".bar").get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
        assert_accessible(page)
