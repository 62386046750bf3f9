"""The pages of messages: found by filter, told whole, sent again and cancelled only after a look."""

from __future__ import annotations

import re
import time
from html import unescape
from urllib.parse import urlencode

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from settings_store.access import Access, Privilege
from settings_store.audit import Audit
from settings_store.audit_row import Wanted
from tests.rigs.accounts import PASSWORD
from tests.rigs.browser import LOOKS, PHONE, Look, assert_accessible, assert_fits, open_context, sign_in
from tests.rigs.clock import START_MS
from tests.rigs.console import Console, Visitor
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger

REFUSED = "the mailbox does not exist"
SUBJECT = "Payroll <b>failed</b>"


@pytest.fixture
def told(redis_server: redis.Redis) -> ToldLedger:
    """A ledger whose stories begin an hour ago."""
    told = ToldLedger(redis_server)
    told.clock.advance(time.time() - START_MS / 1000 - 3600)
    return told


@pytest.fixture
def visitor(console: Console, anna: str) -> Visitor:
    """The administrator."""
    return console.visitor(anna)


def refuse(told: ToldLedger, job: str = "payroll") -> int:
    """A dead letter: one of two recipients was refused; its number."""
    notification_id = told.accept(
        email(
            to=["ops@example.com", "gone@example.com"],
            subject=SUBJECT,
            message="Look at <script>alert(1)</script> it.",
            context={"job": job, "schedule": "nightly", "machine": "prod1"},
        )
    )
    claim = told.claim(notification_id)
    told.clock.advance(2)
    entries = [
        told.entry("primary_email", "server_down", stage="connect", reason="it refuses connections"),
        told.entry(
            "secondary_email",
            "recipient_refused",
            code=550,
            enhanced="5.1.1",
            text="no such user",
            reason=REFUSED,
            indexes=[1],
        ),
        told.entry("secondary_email", "delivered", code=250, indexes=[0]),
    ]
    told.finish(claim, {0: "d", 1: "r"}, entries, then="failed", reason=REFUSED)
    return told.record(notification_id).number


def test_what_needs_somebody_comes_first_with_its_reason(visitor: Visitor, told: ToldLedger) -> None:
    assert "No message yet" in visitor.get("/messages").text
    number = refuse(told)
    waiting = told.record(told.accept(email(subject="Fine"))).number
    body = unescape(visitor.get("/messages").text)
    needy, everything = body.split("Everything, newest first")
    assert f"/messages/{number}" in needy
    assert REFUSED in needy
    assert f"/messages/{waiting}" not in needy
    assert f"/messages/{waiting}" in everything
    part = visitor.get("/messages?state=queued", {"X-Part": "1"}).text
    assert "<html" not in part
    assert f"/messages/{waiting}" in part
    assert f"/messages/{number}" not in part


@pytest.mark.parametrize(
    "query",
    [
        "job=PAYROLL",
        "machine=prod1",
        "schedule=nightly",
        "recipient=gone%40example.com",
        "state=partial&state=failed",
        "since=2h",
        "channel=email&job=payroll",
        "server=secondary_email",
        "until=1s&priority=normal&machine=PROD1",
    ],
)
def test_a_filter_in_the_address_finds_it_and_a_page_can_be_passed_on(
    visitor: Visitor, told: ToldLedger, query: str
) -> None:
    number = refuse(told)
    told.accept(email(subject="Another", context={"job": "other"}))
    body = visitor.get(f"/messages?{query}").text
    assert f'href="/messages/{number}"' in body
    if "since" not in query:
        assert "1 message matches." in body


def test_a_filter_of_any_length_keeps_its_own_list_live(visitor: Visitor, told: ToldLedger) -> None:
    told.accept(email(context={"job": "ю" * 300}))
    query = urlencode({"job": "ю" * 300})
    body = visitor.get(f"/messages?{query}&until=0s").text
    assert f'data-live="/messages?{query}&amp;until=0s"' in body
    part = re.search(r'data-live="(/messages[^"]*)"', body)
    assert part
    assert "1 message matches." in visitor.get(unescape(part[1]), {"X-Part": "1"}).text


def test_a_number_leads_to_its_page_and_an_unknown_one_is_told(visitor: Visitor, told: ToldLedger) -> None:
    number = refuse(told)
    assert visitor.get(f"/messages?id=ID%3D{number}").url.endswith(f"/messages/{number}")
    assert "There is no message 999" in visitor.get("/messages?id=999").text
    assert visitor.get("/messages/999").status_code == 404


def test_a_filter_that_cannot_be_read_is_told_at_its_field(visitor: Visitor, told: ToldLedger) -> None:
    del told
    answer = visitor.get("/messages?since=yesterday")
    assert answer.status_code == 422
    assert 'id="since-fault">It is neither a distance such as 2h' in answer.text
    assert visitor.get("/messages?after=nonsense").status_code == 422
    assert visitor.get("/messages?state=nonsense&server=x").status_code == 422
    assert "State is none; allowed: queued, " in visitor.last.text
    assert "Tried by is none; allowed: primary_email, " in visitor.last.text


def test_a_filter_that_cannot_be_used_is_never_left_out_so_that_more_is_meant(
    visitor: Visitor, told: ToldLedger
) -> None:
    notification_id = told.accept(email())
    for query in (f"job={'x' * 1_001}", "server=x", "since=x", "priority=urgent"):
        listed = visitor.get(f"/messages?state=queued&{query}")
        assert listed.status_code == 422
        assert "Nothing is shown, because the filter cannot be used" in listed.text
        assert 'action="/corrections"' not in listed.text
        assert visitor.get(f"/corrections?action=cancel&state=queued&{query}").status_code == 422
    visitor.get("/messages")
    fields = {"action": "cancel", "state": "queued", "job": "x" * 1_001, "reason": "x"}
    assert visitor.post("/corrections", fields).status_code == 422
    assert told.record(notification_id).state == "queued"


def test_a_message_tells_who_has_it_and_what_each_server_said(visitor: Visitor, told: ToldLedger) -> None:
    body = visitor.get(f"/messages/{refuse(told)}").text
    recipients = body.partition('id="recipients"')[2].partition("</table>")[0]
    assert recipients.index("gone@example.com") < recipients.index("ops@example.com"), "who lacks it is first"
    timeline = re.findall(r"<strong>([^<]*)</strong>", body.partition('class="timeline"')[2])
    assert timeline == [
        "Primary Email: server down",
        "Secondary Email: recipient refused",
        "Secondary Email: delivered",
    ]
    assert "550 5.1.1 no such user" in body
    assert "For gone@example.com" in body
    assert "Look at &lt;script&gt;alert(1)&lt;/script&gt; it." in body
    assert "Payroll &lt;b&gt;failed&lt;/b&gt;" in body


def test_of_many_recipients_and_attempts_the_first_page_says_how_many_more_and_leads_to_all(
    visitor: Visitor, told: ToldLedger
) -> None:
    notification_id = told.accept(email(to=[f"user{place}@example.com" for place in range(300)]))
    claim = told.claim(notification_id)
    down = [
        told.entry("primary_email", "server_down", stage="connect", reason=f"reason {place}.")
        for place in range(130)
    ]
    told.finish(claim, {}, down, reason="down", wait_seconds=60)
    path = f"/messages/{told.record(notification_id).number}"
    body = visitor.get(path).text
    assert "And 100 more." in body
    assert "The last 100; 30 happened before." in body
    assert "reason 29." not in body
    assert "user299@" not in body.partition('id="timeline"')[0]
    whole = visitor.get(f"{path}?all=1").text
    assert "more." not in whole
    assert "happened before" not in whole
    assert "reason 0." in whole
    assert "user299@" in whole.partition('id="timeline"')[0]
    assert f'data-live="{path}?all=1"' in whole


def test_a_dead_letter_is_looked_at_then_sent_again_for_a_reason(
    visitor: Visitor, told: ToldLedger, redis_server: redis.Redis, anna: str
) -> None:
    number = refuse(told)
    looked = visitor.get(f"/corrections?action=replay&message={number}")
    assert "sent again" in looked.text
    fields = {"action": "replay", "message": str(number)}
    assert visitor.post("/corrections", fields).status_code == 422
    assert told.queries.find(str(number)).state == "partial", "nothing was done yet"  # type: ignore[union-attr]
    answer = visitor.post("/corrections", {**fields, "reason": "mailbox is there"})
    assert answer.url.endswith(f"/messages/{number}")
    assert "1 sent again." in answer.text
    record = told.queries.find(str(number))
    assert record is not None
    assert record.state == "queued"
    [row] = Audit(redis_server).rows(Wanted(action="message.replay"))
    assert (row.actor, row.target, row.detail["reason"]) == (anna, record.id, "mailbox is there")


def test_all_that_match_are_cancelled_at_once_and_the_others_stay(visitor: Visitor, told: ToldLedger) -> None:
    ours = [told.accept(email(context={"job": "payroll"})) for _ in range(3)]
    other = told.accept(email(context={"job": "other"}))
    refuse(told)
    assert visitor.get("/corrections?action=cancel").status_code == 422, "never everything by mistake"
    looked = visitor.get("/corrections?action=cancel&job=payroll").text
    assert "Cancel 3 messages" in looked
    assert "All that match: Job <strong>payroll</strong>." in looked
    answer = visitor.post("/corrections", {"action": "cancel", "job": "payroll", "reason": "stopped by hand"})
    assert "3 cancelled." in answer.text
    assert {told.record(each).state for each in ours} == {"cancelled"}
    page = visitor.get(f"/messages/{told.record(ours[0]).number}").text
    assert re.search(r"<strong>Cancelled by [^<]+: stopped by hand</strong>", page)
    assert told.record(other).state == "queued"
    assert "Nothing to do" in visitor.get("/corrections?action=cancel&job=payroll").text


@pytest.mark.parametrize("rate", ["0", "-1", "1.5", "100001", "9" * 5_000, "x", "²"])
def test_a_rate_that_is_none_is_refused_and_nothing_is_done(
    visitor: Visitor, told: ToldLedger, rate: str
) -> None:
    number = refuse(told)
    visitor.get(f"/corrections?action=replay&message={number}")
    fields = {"action": "replay", "message": str(number), "reason": "x", "per_minute": rate}
    assert visitor.post("/corrections", fields).status_code == 422
    assert "1 to 100,000, or blank" in visitor.last.text
    assert told.queries.find(str(number)).state == "partial"  # type: ignore[union-attr]


def test_what_is_expired_goes_only_where_it_is_ticked(visitor: Visitor, told: ToldLedger) -> None:
    notification_id = told.accept(email())
    told.clock.advance(200 * 3600)
    told.ledger.sweep("normal", room=10)
    number = told.record(notification_id).number
    assert told.record(notification_id).state == "expired"
    looked = visitor.get(f"/corrections?action=replay&message={number}").text
    assert "left: expired, and perhaps stale" in looked
    fields = {"action": "replay", "message": str(number), "reason": "still wanted"}
    visitor.post("/corrections", fields)
    assert told.record(notification_id).state == "expired"
    visitor.get(f"/corrections?action=replay&message={number}")
    visitor.post("/corrections", {**fields, "even_expired": "1"})
    assert told.record(notification_id).state == "queued"


def test_who_may_only_look_gets_no_button_and_who_may_not_sees_no_address(
    console: Console, access: Access, told: ToldLedger
) -> None:
    number = refuse(told)
    access.set_role("lookers", [Privilege.VIEW_NOTIFICATIONS], new=True, by="root@test")
    access.set_role("others", [Privilege.MAINTAIN_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("vera", PASSWORD, ["lookers"], by="root@test")
    access.add_account("otto", PASSWORD, ["others"], by="root@test")
    vera, otto = console.visitor("vera"), console.visitor("otto")
    for path in ("/messages", f"/messages/{number}"):
        body = vera.get(path).text
        assert "Send again" not in body
        assert 'name="message"' not in body
        refused = otto.get(path)
        assert refused.status_code == 403
        assert "example.com" not in refused.text
    assert vera.get(f"/corrections?action=replay&message={number}").status_code == 403
    assert "example.com" not in otto.get("/").text


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_pages_of_messages_are_accessible_and_fit(
    browser: Browser, console: Console, anna: str, told: ToldLedger, look: Look
) -> None:
    number = refuse(told)
    with open_context(browser, console.address, size=look[1], scheme=look[0]) as context:
        page = context.new_page()
        sign_in(page, anna)
        for path in (
            "/messages",
            "/messages?job=nothing&since=x",
            f"/messages/{number}",
            f"/corrections?action=replay&message={number}",
        ):
            page.goto(path)
            assert_accessible(page)
            assert_fits(page)


def test_the_list_is_live_and_ticked_ones_are_sent_again(page: Page, told: ToldLedger) -> None:
    numbers = [refuse(told), refuse(told), refuse(told)]
    page.goto("/messages?state=partial")
    expect(page.get_by_text("3 messages match.")).to_be_visible()
    numbers.append(refuse(told))
    expect(page.get_by_text("4 messages match.")).to_be_visible()
    for number in numbers[:2]:
        page.get_by_label(f"Tick {number}").check()
    page.get_by_role("button", name="Send again…").click()
    expect(page.get_by_role("heading", name="Send again 2 messages")).to_be_visible()
    page.get_by_label("Reason").fill("the mailboxes are there")
    page.get_by_role("button", name="Send again (2)").click()
    expect(page.get_by_role("status")).to_have_text("2 sent again.")
    expect(page.get_by_text("2 messages match.")).to_be_visible()


def test_on_a_phone_the_reason_is_below_its_message_and_nobody_scrolls_sideways(
    browser: Browser, console: Console, anna: str, told: ToldLedger
) -> None:
    number = refuse(told)
    told.accept(email(subject="A subject that is a good deal longer than a telephone is wide, as they are"))
    with open_context(browser, console.address, size=PHONE) as context:
        page = context.new_page()
        sign_in(page, anna)
        page.goto("/messages")
        for table in page.locator(".messages").all():
            assert table.evaluate("it => it.parentElement.scrollWidth <= it.parentElement.clientWidth")
        row = page.locator(".messages tbody tr").filter(has_text=str(number)).first
        reason, link = row.locator(".why").bounding_box(), row.get_by_role("link").bounding_box()
        assert reason is not None
        assert link is not None
        assert reason["y"] >= link["y"] + link["height"]
        assert reason["x"] + reason["width"] <= PHONE["width"]
