"""The first page: one look at what needs somebody, how notifications flow, and who sends them."""

from __future__ import annotations

import re
import time

import pytest
import redis
from playwright.sync_api import Browser

from console.web.traffic_chart import HEIGHT, Hour, bars
from settings_store.access import Access, Privilege
from settings_store.store import SettingsStore
from tasks.fleet import Fleet, WorkerLife
from tasks.ledger import MessageFilter
from tests.rigs.accounts import PASSWORD
from tests.rigs.browser import LOOKS, Look, assert_accessible, assert_fits, open_context, sign_in
from tests.rigs.console import Console, administrator
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger


@pytest.fixture
def busy(redis_server: redis.Redis, store: SettingsStore) -> None:
    """Three notifications, one of them refused, and a worker that has not seen the last settings."""
    store.change({"primary_email.server_name": "relay.example"}, author="bert")
    told = ToldLedger(redis_server, live=True)
    for _ in range(2):
        told.accept(email())
    dead = told.claim(told.accept(email()))
    told.finish(dead, {0: "r"}, [], then="failed", reason="no such mailbox")
    at_ms = int(time.time() * 1000)
    Fleet(redis_server).beat("w1@host", WorkerLife(revision=0, busy=1, slots=8), at_ms=at_ms)


@pytest.mark.usefixtures("busy")
def test_one_look_tells_rate_dead_letters_and_workers_that_are_behind(console: Console, anna: str) -> None:
    body = console.visitor(anna).get("/").text
    assert '<a href="/messages?since=1h">3</a>' in body
    assert '<div class="bad"><dt>failed</dt><dd><a href="/messages?state=failed">1</a>' in body
    assert re.search(r"<title>\d\d:00 UTC: 3 accepted, 1 of them undelivered</title>", body)
    heard = re.search(r"w1@host</th>\s*<td>(.*?)</td>", body)
    assert heard
    moment = r'<time datetime="[\d-]+T[\d:.]+Z" title="[\d-]+ [\d:]+ UTC">(\d+ s ago|now)</time>'
    assert re.fullmatch(moment, heard[1]), "relative, and absolute on hover"
    assert "1 of 8" in body
    assert "not yet 1" in body


def test_workers_that_are_all_gone_are_told_above_their_names(
    console: Console, anna: str, redis_server: redis.Redis
) -> None:
    at_ms = int(time.time() * 1000)
    fleet = Fleet(redis_server)
    fleet.beat("w1@host", WorkerLife(), at_ms=at_ms)
    visitor = console.visitor(anna)
    assert "No worker" not in visitor.get("/").text
    assert redis_server.delete("notify:worker:w1@host"), "as where it said nothing for too long"
    body = visitor.get("/").text
    assert "No worker lives, so nothing is sent." in body
    assert "w1@host" in body


def test_the_age_of_the_queue_is_told_though_its_bells_were_rung_a_moment_ago(
    console: Console, anna: str, redis_server: redis.Redis
) -> None:
    told = ToldLedger(redis_server)
    told.clock.advance(time.time() - told.clock.now_ms / 1000 - 600)
    told.accept(email())
    visitor = console.visitor(anna)
    told.clock.advance(600)
    assert told.ledger.sweep("normal", room=10).ring, "a sweeper rings for it again, and moves when it is due"
    body = visitor.get("/").text
    figure = body.partition("queued for a worker</dt>")[2].partition("</div>")[0]
    assert '<a href="/messages?state=queued">1</a>' in figure
    assert ">10 min" in figure
    assert '<div class="warn"><dt>queued for a worker' in body
    told.claim(told.queries.search(MessageFilter(), limit=1).summaries[0].id)
    assert (
        '<div><dt>queued for a worker</dt><dd><a href="/messages?state=queued">0</a></dd>'
        in visitor.get("/").text
    )


def test_an_empty_installation_says_what_to_do_next(console: Console, anna: str) -> None:
    body = console.visitor(anna).get("/").text
    assert "No server is set yet" in body
    assert "No worker runs" in body
    assert "No notification yet" in body


def test_only_an_address_of_the_web_becomes_a_link(console: Console, anna: str, store: SettingsStore) -> None:
    visitor = console.visitor(anna)
    store.change({"console.flower_url": "javascript:alert(1)"}, author="bert")
    assert "javascript:" not in visitor.get("/").text
    store.change({"console.flower_url": "http://flower.example:5555/"}, author="bert")
    assert 'href="http://flower.example:5555/"' in visitor.get("/").text


@pytest.mark.usefixtures("busy")
def test_who_may_not_see_notifications_sees_no_figure_of_them(console: Console, access: Access) -> None:
    access.set_role("none", [Privilege.VIEW_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("otto", PASSWORD, ["none"], by="root@test")
    body = console.visitor("otto").get("/").text
    assert "/messages" not in body
    assert "w1@host" in body


def test_the_highest_hour_fills_the_drawing_and_one_that_is_not_empty_is_seen() -> None:
    drawn = bars([Hour(0, 0, 0), Hour(1, 10_000, 1), Hour(2, 1, 0)])
    assert [bar.height for bar in drawn] == [0, HEIGHT, 2]
    assert drawn[1].bad_height == 2
    assert all(bar.top + bar.height == HEIGHT for bar in drawn)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_overview_audit_and_accounts_are_accessible_and_fit(
    browser: Browser, console: Console, access: Access, look: Look
) -> None:
    anna = administrator(access)
    with open_context(browser, console.address, size=look[1], scheme=look[0]) as context:
        page = context.new_page()
        sign_in(page, anna)
        for path in ("/", "/audit", "/audit?since=nonsense", "/accounts"):
            page.goto(path)
            assert_accessible(page)
            assert_fits(page)
