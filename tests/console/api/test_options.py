"""Options over HTTP: an ETag is the revision, and a change says which one it was made from."""

from __future__ import annotations

import pytest
import redis

from settings_store.access import Access
from settings_store.audit_row import Wanted
from settings_store.catalog import ALL_OPTIONS
from settings_store.store import SettingsStore
from tasks.pausing import Pausing
from tests.rigs.api_client import ApiClient, problem

HOST = "primary_email.server_name"
PORT = "primary_email.server_port"
SECRET = "primary_email.client_secret"


@pytest.fixture
def store(redis_server: redis.Redis) -> SettingsStore:
    return SettingsStore(redis_server)


def test_every_option_is_listed_with_its_revision_and_304_where_it_is_known(
    api: ApiClient, store: SettingsStore
) -> None:
    store.change({HOST: "mail.example.com"}, author="anna")
    answer = api.get("/options")
    listed = answer.json()
    assert (listed["revision"], answer.headers["ETag"]) == (1, '"1"')
    assert [option["key"] for option in listed["options"]] == list(ALL_OPTIONS)
    assert api.get("/options", {"If-None-Match": '"1"'}).status_code == 304
    assert api.get("/options", {"If-None-Match": '"0"'}).status_code == 200
    changed = api.get("/options", changed="true").json()["options"]
    assert [(option["key"], option["value"], option["changed_by"]) for option in changed] == [
        (HOST, "mail.example.com", "anna")
    ]
    one = api.get(f"/options/{HOST}").json()
    assert (one["revision"], one["option"]) == (1, changed[0])
    assert len(api.get("/options", group="mirror").json()["options"]) == 2


def test_a_change_holds_as_one_revision_by_the_token_for_its_reason(
    api: ApiClient, store: SettingsStore, access: Access
) -> None:
    document = {"values": {HOST: "mail.example.com", PORT: 587}, "reason": "new relay"}
    tried = api.patch("/options", {**document, "dry_run": True}, {"If-Match": '"0"'})
    assert (tried.json()["saved"], tried.json()["changes"][PORT]) == (False, {"before": 25, "after": 587})
    assert store.snapshot().revision == 0
    done = api.patch("/options", document, {"If-Match": '"0"'})
    assert (done.status_code, done.json()["revision"], done.headers["ETag"]) == (200, 1, '"1"')
    assert store.snapshot().get(PORT) == 587
    (revision,) = api.get("/options/history").json()["revisions"]
    assert (revision["author"], revision["reason"]) == ("token:ci", "new relay")
    assert next(access.audit.rows(Wanted(action="options.change"))).source == "api 127.0.0.1"
    reset = api.patch("/options", {"values": {PORT: None}}, {"If-Match": "*"}).json()
    assert reset["changes"] == {PORT: {"before": 587, "after": 25}}


def test_a_change_from_another_revision_is_refused_and_so_is_one_from_none(
    api: ApiClient, store: SettingsStore
) -> None:
    store.change({HOST: "mail.example.com"}, author="anna")
    document = {"values": {PORT: 587}}
    stale = problem(api.patch("/options", document, {"If-Match": '"0"'}), 412)
    assert "anna" in stale["detail"]
    assert problem(api.patch("/options", document), 428)["advice"].startswith("send the ETag")
    for header in ('"x"', "0", 'W/"0"', '"0", "1"', ""):
        assert api.patch("/options", document, {"If-Match": header}).status_code == 422
    assert problem(api.post("/options/rollback", {"revision": 0}, {"If-Match": '"0"'}), 412)
    assert problem(api.post("/options/rollback", {"revision": 0}), 428)
    assert store.snapshot().revision == 1


def test_every_fault_of_a_change_names_its_option_and_nothing_is_saved(
    api: ApiClient, store: SettingsStore
) -> None:
    values = {PORT: 99_999, "primary_email.server_nme": "x", HOST: "mail.example.com", "audit.days": [1]}
    told = problem(api.patch("/options", {"values": values}, {"If-Match": "*"}), 422)
    assert [each["field"] for each in told["errors"]] == [PORT, "primary_email.server_nme", "audit.days"]
    assert "allowed: integer 1\N{EN DASH}65535" in told["errors"][0]["detail"]
    assert "did you mean primary_email.server_name" in told["errors"][1]["detail"]
    assert store.snapshot().revision == 0


@pytest.mark.parametrize(
    "document, field",
    [
        ({}, "values"),
        ({"values": {}}, "values"),
        ({"values": [1]}, "values"),
        ({"values": {PORT: 26}, "colour": 1}, "colour"),
        ({"values": {PORT: 26}, "dry_run": "yes"}, "dry_run"),
        ({"values": {PORT: 26}, "reason": "two\nlines"}, "reason"),
        ({"values": {PORT: 26}, "reason": "x" * 2001}, "reason"),
    ],
)
def test_a_change_of_another_form_is_refused(api: ApiClient, document: object, field: str) -> None:
    assert problem(api.patch("/options", document, {"If-Match": "*"}), 422)["field"] == field


def test_a_secret_goes_in_and_never_comes_out(api: ApiClient, redis_server: redis.Redis) -> None:
    secret = "a-very-secret-value"
    done = api.patch("/options", {"values": {SECRET: secret}}, {"If-Match": "*"})
    assert done.status_code == 200
    shown = [
        done,
        api.get("/options"),
        api.get(f"/options/{SECRET}"),
        api.get("/options/history"),
        api.get("/options/diff", older=0),
    ]
    assert all(answer.status_code == 200 for answer in shown)
    assert secret not in "".join(answer.text for answer in shown)
    assert "enc:" not in "".join(answer.text for answer in shown)
    assert secret not in str(redis_server.hgetall("notify:settings"))
    refused = api.patch("/options", {"values": {"audit.days": secret}}, {"If-Match": "*"})
    assert problem(refused, 422)
    assert secret not in refused.text


def test_a_rollback_is_a_new_revision_and_a_diff_tells_of_two(api: ApiClient, store: SettingsStore) -> None:
    store.change({PORT: 587}, author="anna")
    store.change({PORT: 465}, author="anna")
    differs = api.get("/options/diff", older=0, newer=1).json()
    assert (differs["from"], differs["to"], differs["changes"]) == (
        0,
        1,
        {PORT: {"before": 25, "after": 587}},
    )
    done = api.post("/options/rollback", {"revision": 1, "reason": "back"}, {"If-Match": '"2"'}).json()
    assert (done["revision"], done["changes"]) == (3, {PORT: {"before": 465, "after": 587}})
    assert problem(api.post("/options/rollback", {"revision": 9}, {"If-Match": "*"}), 404)
    assert problem(api.get("/options/diff", older=9), 404)


def test_a_change_that_ends_a_pause_says_so_also_where_it_is_only_tried(
    api: ApiClient, store: SettingsStore, redis_server: redis.Redis
) -> None:
    store.change({HOST: "mail.example.com"}, author="anna")
    Pausing(redis_server, store).pause("primary_email", by="anna", reason="new certificate")
    for dry_run in (True, False):
        document = {"values": {PORT: 2587}, "dry_run": dry_run}
        done = api.patch("/options", document, {"If-Match": "*"}).json()
        assert "Primary Email: it is paused, and with these options" in "".join(done["warnings"])
    back = api.post("/options/rollback", {"revision": 1}, {"If-Match": "*"}).json()
    assert "it is paused" not in "".join(back["warnings"]), "the pause holds again"


@pytest.mark.parametrize("path", ["/options/audit.nothing", "/options/nothing", "/options/a.b.c"])
def test_an_option_that_is_none_is_not_found(api: ApiClient, path: str) -> None:
    assert problem(api.get(path), 404)


def test_a_group_that_is_none_is_told_with_those_there_are(api: ApiClient) -> None:
    assert "primary_email" in problem(api.get("/options", group="x"), 422)["detail"]
