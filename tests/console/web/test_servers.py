"""The servers' cards, the banner on every page, pause and resume, and a test by a real worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, expect

from settings_store.access import Access, Privilege
from settings_store.audit import Audit
from settings_store.audit_row import Wanted
from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.routing import server_of
from tasks.server import ServerName
from tasks.verdict import Verdict
from tests.rigs.accounts import PASSWORD
from tests.rigs.browser import LOOKS, Look, assert_accessible, assert_fits, open_context, sign_in
from tests.rigs.console import Console, Visitor, administrator, running_console
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger


@pytest.fixture
def visitor(console: Console, anna: str) -> Visitor:
    """The administrator."""
    return console.visitor(anna)


@pytest.fixture
def routed(store: SettingsStore) -> SettingsStore:
    """Two e-mail servers; texts go by them too."""
    store.change(
        {
            "primary_email.server_name": "mail.example",
            "secondary_email.server_name": "backup.example",
            "limits.primary_email_messages_per_minute": 30,
        },
        author="bert",
    )
    return store


def fail(redis_server: redis.Redis, store: SettingsStore, name: ServerName) -> None:
    """Have a server passed over."""
    server = server_of(store.snapshot(), name)
    assert server is not None
    for attempt in range(3):
        Breaker(redis_server).report(
            server.fingerprint,
            Verdict.SERVER_DOWN,
            name=name,
            token=f"{name}{attempt}",
            began_ms=10**13,
            reason="it refuses connections",
        )


@pytest.fixture
def failing(redis_server: redis.Redis, routed: SettingsStore) -> SettingsStore:
    """Where the primary is passed over."""
    fail(redis_server, routed, "primary_email")
    return routed


def test_an_empty_installation_says_where_to_begin(visitor: Visitor) -> None:
    body = visitor.get("/servers").text
    assert "No server is set" in body
    assert 'href="/settings">Name the first one' in body


def test_a_card_says_how_its_server_stands_and_every_page_that_the_fallback_carries(
    visitor: Visitor, routed: SettingsStore, redis_server: redis.Redis
) -> None:
    body = visitor.get("/servers").text
    assert "mail.example:25, no TLS, no sign-in" in body
    assert "<dt>Limits used</dt><dd>0 of 30 a minute</dd>" in body
    assert 'class="banner' not in body
    fail(redis_server, routed, "primary_email")
    for path in ("/", "/servers", "/settings", "/messages"):
        banner = visitor.get(path).text.partition('class="banner note"')[2].partition("</p>")[0]
        assert "E-mail and texts go by Secondary Email, because Primary Email is left alone" in banner, path
        assert "it refuses connections" in banner
    assert "Passed over" in visitor.get("/servers").text
    server = server_of(routed.snapshot(), "primary_email")
    assert server is not None
    breaker = Breaker(redis_server)
    breaker.report(server.fingerprint, Verdict.DELIVERED, name="primary_email", token="x", began_ms=10**13)
    body = visitor.get("/servers").text
    assert "Passed over" not in body
    assert re.search("<dt>Last failure</dt><dd><time[^>]*>[^<]*</time>: it refuses connections</dd>", body)
    fail(redis_server, routed, "primary_email")
    fail(redis_server, routed, "secondary_email")
    assert (
        "E-mail and texts wait: no server may be used now (it refuses connections)." in visitor.get("/").text
    )


def test_a_pause_needs_a_reason_and_ends_when_somebody_resumes_it(
    visitor: Visitor, routed: SettingsStore, redis_server: redis.Redis, anna: str
) -> None:
    del routed
    visitor.get("/servers")
    assert visitor.post("/servers/primary_email/pause", {"length": "1h"}).status_code == 422
    assert visitor.post("/servers/primary_email/pause", {"reason": "x", "length": "-1h"}).status_code == 422
    visitor.get("/servers")
    answer = visitor.post("/servers/primary_email/pause", {"reason": "new certificate", "length": "1h"})
    assert "Primary Email is paused." in answer.text
    assert "by anna, ends" in answer.text
    assert "new certificate" in answer.text
    answer = visitor.post("/servers/primary_email/resume")
    assert "Primary Email is no longer paused." in answer.text
    audit = Audit(redis_server)
    actions = [row.action for row in audit.rows(Wanted(actor=anna, action="server"))]
    assert actions == ["server.resume", "server.pause"]
    assert visitor.post("/servers/secondary_sms/pause", {"reason": "x"}).status_code == 409
    assert visitor.post("/servers/nothing/pause", {"reason": "x"}).status_code == 404


def test_a_card_tells_which_part_of_the_messages_of_a_day_its_server_tried(
    console: Console, access: Access, visitor: Visitor, routed: SettingsStore, redis_server: redis.Redis
) -> None:
    del routed
    told = ToldLedger(redis_server, live=True)
    for servers in (["primary_email"], ["primary_email", "secondary_email"], ["primary_email"], []):
        claim = told.claim(told.accept(email()))
        told.finish(claim, {}, [told.entry(server, "server_down") for server in servers], wait_seconds=60)
    cards = visitor.get("/servers").text.partition("Secondary Email <span")
    for card, share in ((cards[0], "75 %</meter> 3 of 4"), (cards[2], "25 %</meter> 1 of 4")):
        assert share in card.partition("Tried in the last 24 h</dt>")[2].partition("</dd>")[0]
    access.set_role("lookers", [Privilege.VIEW_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("vera", PASSWORD, ["lookers"], by="root@test")
    assert "Tried in" not in console.visitor("vera").get("/servers").text, "how many there are is of messages"


def test_who_may_see_the_messages_alone_learns_from_the_banner_why_they_wait(
    console: Console, access: Access, failing: SettingsStore
) -> None:
    del failing
    access.set_role("readers", [Privilege.VIEW_NOTIFICATIONS], new=True, by="root@test")
    access.add_account("vera", PASSWORD, ["readers"], by="root@test")
    banner = console.visitor("vera").get("/messages").text.partition('class="banner note"')[2]
    assert "because Primary Email is left alone" in banner.partition("</p>")[0]
    assert 'href="/servers"' not in banner, "a page that is refused"


def test_who_may_only_look_sees_the_cards_without_a_button(
    console: Console, access: Access, routed: SettingsStore
) -> None:
    del routed
    access.set_role("lookers", [Privilege.VIEW_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("vera", PASSWORD, ["lookers"], by="root@test")
    main = console.visitor("vera").get("/servers").text.partition("<main")[2]
    assert "mail.example:25" in main
    assert "<button" not in main


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_page_of_the_servers_is_accessible_and_fits(
    browser: Browser, console: Console, access: Access, failing: SettingsStore, look: Look
) -> None:
    del failing
    with open_context(browser, console.address, size=look[1], scheme=look[0]) as context:
        page = context.new_page()
        sign_in(page, administrator(access))
        page.goto("/servers")
        assert_accessible(page)
        assert_fits(page)


class TestByAWorker:
    @pytest.fixture
    def installation(self, tmp_path: Path) -> Iterator[Installation]:
        """One with keys and a worker."""
        generate(tmp_path / "keys.json")
        with (
            running_installation(tmp_path, NOTIFY_KEY_FILE=str(tmp_path / "keys.json")) as installation,
            installation.worker(),
        ):
            yield installation

    def test_values_that_are_not_saved_are_tested_live_and_the_mail_arrives(
        self, browser: Browser, installation: Installation, tmp_path: Path
    ) -> None:
        keys = installation.environ["NOTIFY_KEY_FILE"]
        anna = administrator(Access(installation.runtime.redis))
        with (
            open_mailbox() as mailbox,
            open_mailbox() as second,
            running_console(installation.server.url, tmp_path / "c", NOTIFY_KEY_FILE=keys) as console,
            open_context(browser, console.address) as context,
        ):
            page = context.new_page()
            sign_in(page, anna)
            page.goto("/settings")
            page.get_by_label("SMTP Server Name (Primary Email)").fill("127.0.0.1")
            page.get_by_label("SMTP Server Port (Primary Email)").fill(str(mailbox.port))
            page.get_by_label("Test mail to by Primary Email").fill("ops@example.com")
            with context.expect_page() as opened:
                page.get_by_role("button", name="Test Primary Email").click()
            report = opened.value
            expect(report.get_by_role("status")).to_have_text("All went well.")
            expect(report.locator("main")).to_contain_text("2 of them not saved: primary_email.server_name")
            expect(report.locator("main")).to_contain_text("made by the worker")
            assert_accessible(report)
            [mail] = mailbox.mails()
            assert (mail.to, mail.subject) == ("ops@example.com", "Test Notification")
            page.get_by_label("SMTP Server Name (Secondary Email)").fill("127.0.0.1")
            page.get_by_label("SMTP Server Port (Secondary Email)").fill(str(second.port))
            page.get_by_label("Test mail to by every server of the way").fill("chain@example.com")
            with context.expect_page() as opened:
                page.get_by_role("button", name="Test the way of e-mail").click()
            report = opened.value
            expect(report.get_by_role("status")).to_have_text("All went well.")
            expect(report.get_by_role("heading", name="Test of the chain")).to_be_visible()
            expect(report.locator("main")).to_contain_text("4 of them not saved")
            assert [box.mails()[-1].to for box in (mailbox, second)] == ["chain@example.com"] * 2
            # The form is as it was, so that the values can be saved or changed.
            expect(page.get_by_label("SMTP Server Name (Primary Email)")).to_have_value("127.0.0.1")
            assert installation.runtime.store.snapshot().revision == 0
            mailbox.go_down()
            with context.expect_page() as opened:
                page.get_by_role("button", name="Test Primary Email").click()
            expect(opened.value.get_by_role("alert")).to_contain_text("It failed")
            expect(opened.value.locator(".advice").first).to_be_visible()
            page.goto("/servers")
            expect(page.locator("main")).to_contain_text("No server is set")
