"""Replaying and cancelling many over HTTP: looked at first, and told of each."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from settings_store.access import Access
from settings_store.audit_row import Wanted
from tasks.ledger import LedgerQueries
from tests.rigs.api_client import ApiClient, problem
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger


@pytest.fixture
def told(redis_server: redis.Redis) -> ToldLedger:
    return ToldLedger(redis_server, live=True)


def accepted(told: ToldLedger, job: str = "payroll") -> str:
    return told.accept(email(context={"job": job}))


def dead(told: ToldLedger, job: str = "payroll") -> str:
    notification = accepted(told, job)
    refused = told.entry("primary_email", "recipient_refused", code=550)
    told.finish(told.claim(notification), {0: "r"}, [refused], then="failed")
    return notification


def states(queries: LedgerQueries) -> dict[str, int]:
    return {state: count for state, count in queries.counts().items() if count}


def test_what_a_filter_matches_is_looked_at_and_then_replayed(
    api: ApiClient, told: ToldLedger, access: Access
) -> None:
    for job in ("payroll", "Payroll ", "backup"):
        dead(told, job)
    order = {"filter": {"state": ["failed"], "job": "payroll"}, "dry_run": True}
    looked = api.post("/notifications/replay", order).json()
    assert (looked["dry_run"], looked["done"], looked["outcomes"]) == (True, 2, {"replayed": 2})
    assert [line["state"] for line in looked["messages"]] == ["failed", "failed"]
    assert states(told.queries) == {"failed": 3}
    done = api.post("/notifications/replay", {**order, "dry_run": False, "reason": "relay is back"}).json()
    assert [(line["number"], line["state"], line["outcome"]) for line in done["messages"]] == [
        (1, "queued", "replayed"),
        (2, "queued", "replayed"),
    ]
    assert states(told.queries) == {"failed": 1, "queued": 2}
    row = next(access.audit.rows(Wanted(action="message.replay", outcome="done")))
    assert (row.actor, row.detail["reason"], row.detail["of"]) == ("token:ci", "relay is back", 2)


def test_what_is_paced_waits_in_the_ledger_for_its_turn(api: ApiClient, told: ToldLedger) -> None:
    for _ in range(3):
        dead(told)
    order = {"filter": {"job": "payroll"}, "reason": "slowly", "per_minute": 2}
    assert api.post("/notifications/replay", order).json()["done"] == 3
    due = sorted(told.queries.due_scores()["normal"].values())
    assert [round((score - due[0]) / 1000) for score in due] == [0, 30, 60]


def test_more_than_the_limit_go_with_the_next_request(api: ApiClient, told: ToldLedger) -> None:
    for _ in range(3):
        accepted(told)
    order = {"filter": {"job": "payroll"}, "reason": "sent by hand", "limit": 2}
    answers = [api.post("/notifications/cancel", order).json() for _ in range(3)]
    assert [(answer["done"], answer["whole"]) for answer in answers] == [(2, False), (1, True), (0, True)]
    assert states(told.queries) == {"cancelled": 3}


def test_ids_and_numbers_are_meant_once_and_one_that_nobody_knows_is_told(
    api: ApiClient, told: ToldLedger
) -> None:
    first, second = accepted(told), dead(told)
    order = {"ids": [first, "1", "ID=1", second, "nobody"], "reason": "x"}
    answer = api.post("/notifications/cancel", order).json()
    assert answer["outcomes"] == {"cancelled": 1, "final": 1, "unknown": 1}
    assert [(line["id"], line["number"]) for line in answer["messages"]] == [
        (first, 1),
        (second, 2),
        ("nobody", None),
    ]


@pytest.mark.parametrize("action", ["replay", "cancel"])
@pytest.mark.parametrize(
    "order, field",
    [
        ({"reason": "x"}, "filter"),
        ({"reason": "x", "filter": {}}, "filter"),
        ({"reason": "x", "filter": {"perhaps_twice": False}}, "filter"),
        ({"reason": "x", "ids": ["1"], "filter": {"job": "payroll"}}, "filter"),
        ({"reason": "x", "filter": {"state": ["delivered"]}}, "filter.state"),
        ({"reason": "x", "filter": {"state": ["lost"]}}, "filter.state[0]"),
        ({"reason": "x", "filter": {"since": "yesterday"}}, "filter.since"),
        ({"reason": "x", "filter": {"colour": "red"}}, "filter.colour"),
        ({"ids": ["1"]}, "reason"),
        ({"reason": " ", "filter": {"job": "payroll"}}, "reason"),
        ({"reason": "x", "ids": ["1"] * 501}, "ids"),
        ({"reason": "x", "ids": [""]}, "ids[0]"),
        ({"reason": "x", "ids": "1"}, "ids"),
        ({"reason": "x", "ids": ["1"], "limit": 0}, "limit"),
        ({"reason": "x", "ids": ["1"], "dry_run": "no"}, "dry_run"),
    ],
)
def test_an_order_that_says_not_whom_or_why_does_nothing(
    api: ApiClient, told: ToldLedger, action: str, order: dict[str, Any], field: str
) -> None:
    accepted(told)
    assert problem(api.post(f"/notifications/{action}", order), 422)["field"] == field
    assert states(told.queries) == {"queued": 1}
