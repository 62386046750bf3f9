"""Sending and looking over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from settings_store.access import Access, Privilege
from settings_store.audit_row import Wanted
from tasks.ledger import LedgerQueries
from tests.rigs.api_client import ApiClient, problem, token_for
from tests.rigs.told_ledger import ToldLedger

MAIL: dict[str, Any] = {
    "version": 1,
    "channel": "email",
    "to": ["ada@example.com"],
    "subject": "Payroll",
    "message": "It failed.",
    "context": {"job": "payroll", "machine": "batch1"},
}


@pytest.fixture
def queries(redis_server: redis.Redis) -> LedgerQueries:
    return LedgerQueries(redis_server)


def test_a_notification_is_accepted_and_found_where_the_reply_says(api: ApiClient) -> None:
    sent = api.post("/notifications", MAIL)
    assert sent.status_code == 202
    receipt = sent.json()
    assert receipt["state"] == "queued"
    assert receipt["number"] == 1
    assert sent.headers["Location"] == f"/api/v1/notifications/{receipt['id']}"
    shown = api.http.get(api.root + sent.headers["Location"], timeout=60).json()
    assert shown["recipients"] == {"ada@example.com": "open"}
    assert "notification" not in shown
    assert api.get("/notifications/1", content="true").json()["notification"]["message"] == "It failed."
    assert api.get("/notifications/ID=1").json() == shown


def test_the_same_key_is_the_same_notification_in_header_and_document(
    api: ApiClient, queries: LedgerQueries
) -> None:
    first = api.post("/notifications", MAIL, {"Idempotency-Key": "night-17"})
    for document, header in (
        (MAIL, "night-17"),
        (MAIL, '"night-17"'),
        ({**MAIL, "key": "night-17"}, None),
        ({**MAIL, "key": "night-17"}, "night-17"),
    ):
        again = api.post("/notifications", document, {"Idempotency-Key": header} if header else None)
        assert again.status_code == 200
        assert again.json()["id"] == first.json()["id"]
        assert again.json()["again"]
    other = api.post("/notifications", {**MAIL, "message": "x"}, {"Idempotency-Key": "night-17"})
    assert problem(other, 409)["type"].endswith("key-conflict")
    clash = api.post("/notifications", {**MAIL, "key": "x"}, {"Idempotency-Key": "night-17"})
    assert problem(clash, 422)["field"] == "key"
    assert sum(queries.counts().values()) == 1


@pytest.mark.parametrize(
    "document, field",
    [
        ({**MAIL, "to": ["ada@example.com", "bad"]}, "to[1]"),
        ({**MAIL, "to": []}, "to"),
        ({**MAIL, "colour": 1}, "colour"),
        ({**MAIL, "context": {"job": 5}}, "context.job"),
        ({**MAIL, "expires": "2001-01-01T00:00:00Z"}, "expires"),
        ([MAIL], "notification"),
        (None, "notification"),
    ],
)
def test_what_is_not_allowed_names_the_field_and_quotes_nothing(
    api: ApiClient, queries: LedgerQueries, document: Any, field: str
) -> None:
    answer = api.ask("POST", "/notifications", json=document, headers={"Content-Type": "application/json"})
    told = problem(answer, 422)
    assert told["field"] == field
    assert "ada@example.com" not in answer.text
    assert not sum(queries.counts().values())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"version": 1e999}'])
def test_what_is_no_json_is_refused(api: ApiClient, body: bytes) -> None:
    for path in ("/notifications", "/notifications/batch", "/notifications/1/cancel"):
        answer = api.ask("POST", path, data=body, headers={"Content-Type": "application/json"})
        assert problem(answer, 422)
        with_key = {"Content-Type": "application/json", "Idempotency-Key": "k"}
        assert problem(api.ask("POST", path, data=body, headers=with_key), 422)
    assert problem(api.ask("POST", "/notifications", data=b"a=b"), 415)


def test_a_batch_tells_of_each_what_became_of_it_and_can_be_sent_again(
    api: ApiClient, queries: LedgerQueries
) -> None:
    batch = {"notifications": [MAIL, {**MAIL, "to": ["bad"]}, {**MAIL, "key": "own"}]}
    first = api.post("/notifications/batch", batch, {"Idempotency-Key": "k"})
    assert first.status_code == 200
    assert [each["status"] for each in first.json()["results"]] == [202, 422, 202]
    assert first.json()["accepted"] == 2
    assert first.json()["results"][1]["problem"]["field"] == "to[0]"
    again = api.post("/notifications/batch", batch, {"Idempotency-Key": "k"})
    assert [each["status"] for each in again.json()["results"]] == [200, 422, 200]
    assert api.post("/notifications", MAIL, {"Idempotency-Key": "own"}).json()["again"]
    assert sum(queries.counts().values()) == 2


@pytest.mark.parametrize(
    "batch",
    [{}, [], {"notifications": []}, {"notifications": [MAIL] * 501}, {"notifications": [MAIL], "x": 1}],
)
def test_a_batch_that_is_none_is_refused_whole(api: ApiClient, queries: LedgerQueries, batch: Any) -> None:
    assert problem(api.post("/notifications/batch", batch), 422)["field"] == "notifications"
    assert not sum(queries.counts().values())


def test_a_body_that_is_too_large_is_refused_and_not_without_a_token(
    api: ApiClient, guest: ApiClient
) -> None:
    large = {**MAIL, "message": "x" * (17 * 1024 * 1024)}
    assert problem(api.post("/notifications", large), 413)
    assert guest.post("/notifications", MAIL).status_code == 401


def test_a_list_is_filtered_and_goes_on_where_it_ended(api: ApiClient) -> None:
    for number in range(5):
        api.post("/notifications", {**MAIL, "context": {"job": f"job {number % 2}"}})
    everything = api.get("/notifications", limit=2).json()
    assert (len(everything["messages"]), everything["total"]) == (2, 5)
    assert "ada" not in str(everything)
    rest = api.get("/notifications", limit=500, after=everything["next"]).json()
    assert [each["number"] for each in everything["messages"] + rest["messages"]] == [5, 4, 3, 2, 1]
    assert api.get("/notifications", job="JOB 1").json()["total"] == 2
    assert (
        api.get("/notifications", recipient="ADA@example.com", state=["queued", "held"]).json()["total"] == 5
    )
    assert api.get("/notifications", since="2999-01-01T00:00:00Z").json()["total"] == 0
    assert api.get("/notifications", state="delivered").json()["total"] == 0


@pytest.mark.parametrize(
    "query, field",
    [
        ({"state": "lost"}, "state[0]"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"after": "x"}, "after"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"colour": "red"}, "colour"),
        ({"server": "mail.example.com"}, "server"),
    ],
)
def test_a_filter_that_is_none_is_refused(api: ApiClient, query: dict[str, str], field: str) -> None:
    assert problem(api.ask("GET", "/notifications", params=query), 422)["field"] == field


def test_who_may_only_send_sees_nothing_of_what_was_sent_and_who_may_only_look_sends_nothing(
    guest: ApiClient, access: Access
) -> None:
    viewer = ApiClient(guest.root, token_for(access, Privilege.VIEW_NOTIFICATIONS))
    assert problem(viewer.post("/notifications", MAIL), 403)
    other = ApiClient(guest.root, token_for(access, Privilege.MAINTAIN_SERVER_OPTIONS, name="other"))
    for path in ("/notifications", "/notifications/1"):
        assert problem(other.get(path), 403)
        assert viewer.get(path).status_code in {200, 404}


def test_a_notification_is_cancelled_once_and_again_harmlessly(api: ApiClient, access: Access) -> None:
    api.post("/notifications", MAIL)
    tried = api.post("/notifications/1/cancel", {"dry_run": True}).json()
    assert (tried["answer"], tried["state"], tried["dry_run"]) == ("cancelled", "queued", True)
    assert api.post("/notifications/1/cancel", {"reason": "wrong text"}).json()["state"] == "cancelled"
    assert api.post("/notifications/1/cancel", {}).json()["answer"] == "final"
    row = next(access.audit.rows(Wanted(action="message.cancel", outcome="done")))
    assert (row.actor, row.source, row.detail["reason"]) == ("token:ci", "api 127.0.0.1", "wrong text")


def test_a_dead_letter_is_replayed_and_what_is_none_is_not(api: ApiClient, redis_server: redis.Redis) -> None:
    told = ToldLedger(redis_server, live=True)
    dead = told.accept(MAIL)
    told.finish(
        told.claim(dead),
        {0: "r"},
        [told.entry("primary_email", "recipient_refused", code=550)],
        then="failed",
    )
    shown = api.get(f"/notifications/{dead}").json()
    assert (shown["state"], shown["attempts"][0]["code"], shown["attempts"][0]["pass"]) == ("failed", 550, 1)
    assert problem(api.post(f"/notifications/{dead}/replay", {}), 422)["field"] == "reason"
    for blank in ("  ", "\x1f"):
        assert problem(api.post(f"/notifications/{dead}/replay", {"reason": blank}), 422)["field"] == "reason"
    assert (
        api.post(f"/notifications/{dead}/replay", {"reason": "x", "dry_run": True}).json()["answer"]
        == "replayed"
    )
    done = api.post(f"/notifications/{dead}/replay", {"reason": "relay is back"}).json()
    assert (done["answer"], done["state"]) == ("replayed", "queued")
    again = problem(api.post(f"/notifications/{dead}/replay", {"reason": "x"}), 409)
    assert "is queued: it is no dead letter" in again["detail"]


@pytest.mark.parametrize("path", ["/notifications/nothing", "/notifications/999999999999999999999999999"])
def test_what_is_not_there_is_not_found(api: ApiClient, path: str) -> None:
    assert problem(api.get(path), 404)
    assert problem(api.post(f"{path}/cancel", {}), 404)
    assert problem(api.post(f"{path}/replay", {"reason": "x"}), 404)
