"""The settings page as a form: what is shown, refused, kept, saved, and never shown."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import redis
import requests

from settings_store.access import Access, Privilege
from settings_store.audit import Audit
from settings_store.catalog import ALL_OPTIONS
from settings_store.store import SettingsStore
from tasks.fleet import Fleet, WorkerLife
from tasks.pausing import Pausing
from tests.rigs.accounts import PASSWORD
from tests.rigs.console import Console, Visitor

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
PLAIN = "pl4in-cl1ent-secret"


@pytest.fixture
def visitor(console: Console, anna: str) -> Visitor:
    """The administrator."""
    return console.visitor(anna)


def review(visitor: Visitor, changes: dict[str, str], revision: int = 0) -> requests.Response:
    """Send the form of the settings with some of its fields."""
    visitor.get("/settings")
    fields = {f"option.{key}": value for key, value in changes.items()}
    return visitor.post("/settings/review", {"revision": str(revision), **fields})


def save(visitor: Visitor, reason: str) -> requests.Response:
    """Save what is looked at, with what the form of the last page carries."""
    form = visitor.last.text.partition('action="/settings/save"')[2]
    carried = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(form)}
    return visitor.post("/settings/save", {**carried, "reason": reason})


def test_every_option_is_a_field_with_label_help_default_and_range(visitor: Visitor) -> None:
    body = unescape(visitor.get("/settings").text)
    for key, option in ALL_OPTIONS.items():
        assert f'id="{key}"' in body, key
        assert f"{key}-help" in body, key
        first_words = option.help.partition("`")[0]
        assert first_words in body, key
    assert "Default: noreply@mycorp.com." in body
    assert "integer 1\N{EN DASH}65535" in body


def test_a_change_is_looked_at_with_its_warnings_then_saved_with_its_reason(
    visitor: Visitor, store: SettingsStore, redis_server: redis.Redis, anna: str
) -> None:
    looked = review(
        visitor, {"primary_email.server_name": "relay.example", "primary_email.server_port": "465"}
    )
    assert looked.status_code == 200
    assert "SMTP Server Port (Primary Email)" in looked.text
    assert "port 465 speaks TLS from the first byte" in looked.text
    assert store.snapshot().revision == 0, "a look saves nothing"
    assert save(visitor, "").status_code == 422
    assert store.snapshot().revision == 0
    Fleet(redis_server).beat("w1@host", WorkerLife(revision=1), at_ms=1)
    Fleet(redis_server).beat("w2@host", WorkerLife(revision=0), at_ms=1)
    saved = save(visitor, "our relay")
    assert "Saved as revision 1, live on 1 of 2 workers; not yet on w2@host." in saved.text
    assert "data-over" not in visitor.get("/settings/live/1").text
    Fleet(redis_server).beat("w2@host", WorkerLife(revision=1), at_ms=1)
    assert "live on 2 of 2 workers." in visitor.get("/settings/live/1").text
    assert "data-over" in visitor.last.text, "what is over is not asked for any more"
    assert store.snapshot().number("primary_email.server_port") == 465
    [row] = store.history()
    assert (row.author, row.reason) == (anna, "our relay")
    audited = next(iter(Audit(redis_server).rows()))
    assert (audited.actor, audited.action, audited.source) == (anna, "options.change", "web 127.0.0.1")


def test_what_is_not_allowed_is_told_at_its_field_and_everything_typed_is_kept(
    visitor: Visitor, store: SettingsStore
) -> None:
    answer = review(
        visitor,
        {
            "primary_email.server_port": "70000",
            "primary_email.application_id": "no guid",
            "primary_email.server_name": "typed.example",
        },
    )
    assert answer.status_code == 422
    body = unescape(answer.text)
    assert 'id="primary_email.server_port-fault">Is too large; allowed: integer 1\N{EN DASH}65535.' in body
    assert 'id="primary_email.application_id-fault">Is not a GUID' in body
    for typed in ("70000", "no guid", "typed.example"):
        assert f'value="{typed}"' in body
    assert store.snapshot().revision == 0


@pytest.mark.parametrize("port", ["0", "26"])
def test_a_mirror_turned_off_in_a_form_that_comes_back_shows_the_secondary_its_own_values(
    visitor: Visitor, store: SettingsStore, port: str
) -> None:
    store.change(
        {
            "primary_email.server_name": "one.example",
            "secondary_email.server_name": "two.example",
            "mirror.email": True,
        },
        author="bert",
    )
    typed = {"mirror.email": "False", "primary_email.server_port": port}
    back = review(visitor, typed, 1)
    if back.status_code == 200:
        back = visitor.post(
            "/settings/edit", {"revision": "1", **{f"option.{k}": v for k, v in typed.items()}}
        )
    name = re.search(r'<input[^>]*id="secondary_email.server_name"[^>]*>', back.text)
    assert name
    assert 'value="two.example"' in name[0]
    assert 'id="secondary_email-fields" aria-labelledby="secondary_email">' in back.text, "to be typed into"


def test_a_mirror_turned_on_in_a_form_that_comes_back_shows_what_the_secondary_becomes(
    visitor: Visitor, store: SettingsStore
) -> None:
    store.change({"secondary_email.server_name": "two.example"}, author="bert")
    typed = {
        "mirror.email": "True",
        "primary_email.server_name": "new.example",
        "primary_email.server_port": "0",
    }
    back = review(visitor, typed, 1)
    name = re.search(r'<input[^>]*id="secondary_email.server_name"[^>]*>', back.text)
    assert name
    assert 'value="new.example"' in name[0]
    assert 'data-own="two.example"' in name[0], "comes back where the mirror is turned off again"


def test_fields_that_nobody_touched_change_nothing(visitor: Visitor, store: SettingsStore) -> None:
    store.change({"primary_email.server_name": " spaces ", "text.delimiter": "~"}, author="bert")
    same = {key: str(store.snapshot().own(key)) for key, option in ALL_OPTIONS.items() if not option.secret}
    answer = review(visitor, same, revision=1)
    assert "there is nothing to save" in answer.text


class TestSecrets:
    def test_a_client_secret_given_plain_is_saved_and_on_no_page(
        self, visitor: Visitor, store: SettingsStore
    ) -> None:
        looked = review(visitor, {"primary_email.client_secret": PLAIN})
        assert "not set" in looked.text
        pages = [looked, save(visitor, "renewed"), visitor.get("/settings"), visitor.get("/settings/history")]
        pages.append(visitor.get("/settings/export"))
        for page in pages:
            assert PLAIN not in page.text
        assert store.snapshot().is_set("primary_email.client_secret")
        seal = store.snapshot().seal("primary_email.client_secret")
        assert all(seal not in page.text for page in pages), "nor is what is stored"
        assert re.search(r"Set\s+<time[^>]*>[^<]*</time> by anna", visitor.get("/settings").text)

    def test_a_secret_says_how_long_it_holds_and_marks_one_that_is_over_soon(
        self, visitor: Visitor, store: SettingsStore
    ) -> None:
        review(visitor, {"primary_email.client_secret": PLAIN})
        save(visitor, "renewed")
        for days, late in ((400, ""), (6, ' class="late"')):
            day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
            store.change({"secret_expiry.primary_email_client_secret": day}, author="bert")
            page = visitor.get("/settings").text
            said = re.search(rf" by anna, <span{late}>expires in \d+ days \({day}\)</span>", page)
            assert said, days

    def test_an_empty_field_keeps_a_secret_and_only_a_tick_clears_it(
        self, visitor: Visitor, store: SettingsStore
    ) -> None:
        review(visitor, {"primary_email.client_secret": PLAIN})
        save(visitor, "set")
        review(visitor, {"primary_email.client_secret": "", "primary_email.server_port": "26"}, 1)
        save(visitor, "port alone")
        assert store.snapshot().is_set("primary_email.client_secret")
        visitor.get("/settings")
        visitor.post("/settings/review", {"revision": "2", "clear": "primary_email.client_secret"})
        save(visitor, "gone")
        assert not store.snapshot().is_set("primary_email.client_secret")
        assert store.snapshot().number("primary_email.server_port") == 26

    def test_a_password_that_is_not_encrypted_is_refused_and_not_repeated(
        self, visitor: Visitor, store: SettingsStore
    ) -> None:
        answer = review(visitor, {"primary_email.authentication_password": PLAIN})
        assert answer.status_code == 422
        assert "Is not encrypted" in answer.text
        assert PLAIN not in answer.text
        assert store.snapshot().revision == 0

    def test_what_the_encryption_tool_shows_is_taken_by_the_field(
        self, visitor: Visitor, store: SettingsStore
    ) -> None:
        visitor.get("/settings/encrypt")
        tool = visitor.post("/settings/encrypt", {"secret": PLAIN})
        assert PLAIN not in tool.text
        found = re.search(r"enc:v1:[A-Za-z0-9:_-]+", tool.text)
        assert found
        assert review(visitor, {"primary_email.authentication_password": found[0]}).status_code == 200
        save(visitor, "password")
        assert store.snapshot().is_set("primary_email.authentication_password")


def test_what_somebody_saved_in_between_is_shown_and_kept_until_one_decides(
    visitor: Visitor, store: SettingsStore
) -> None:
    review(visitor, {"primary_email.server_port": "587"})
    store.change(
        {"primary_email.server_port": 26, "text.labels": False}, author="bert", reason="I was faster"
    )
    answer = save(visitor, "mine")
    assert answer.status_code == 409
    assert "I was faster" in answer.text
    assert "both of you" in answer.text
    assert 'value="mine"' in answer.text
    assert store.snapshot().number("primary_email.server_port") == 26, "nothing is overwritten unseen"
    assert "Saved as revision 2" in save(visitor, "mine").text
    assert store.snapshot().number("primary_email.server_port") == 587
    assert not store.snapshot().flag("text.labels"), "what only the other touched stays theirs"


def test_a_form_opened_before_another_saved_reverts_nothing_of_theirs(
    visitor: Visitor, store: SettingsStore
) -> None:
    store.change({"primary_email.server_port": 26}, author="bert")
    # The form was made from revision 0, where the port was 25, and sends it along.
    answer = review(
        visitor, {"primary_email.server_port": "25", "primary_email.server_name": "relay.example"}
    )
    assert answer.status_code == 409
    save(visitor, "name")
    assert store.snapshot().number("primary_email.server_port") == 26
    assert store.snapshot().text("primary_email.server_name") == "relay.example"


def test_somebody_who_may_only_look_sees_values_but_no_secret_and_no_button(
    console: Console, access: Access, store: SettingsStore
) -> None:
    store.change({"primary_email.server_name": "relay.example"}, author="anna")
    access.set_role("lookers", [Privilege.VIEW_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("vera", PASSWORD, ["lookers"], by="root@test")
    visitor = console.visitor("vera")
    body = visitor.get("/settings").text
    assert 'value="relay.example"' in body
    form = body.partition('id="settings"')[2]
    assert "<button" not in form
    assert 'type="password"' not in form
    assert visitor.post("/settings/review", {"revision": "1"}).status_code == 403
    assert "Roll back" not in visitor.get("/settings/history/0").text


def test_an_export_taken_in_elsewhere_is_looked_at_and_saved_as_an_import(
    visitor: Visitor, store: SettingsStore, redis_server: redis.Redis
) -> None:
    store.change({"primary_email.server_name": "relay.example", "text.labels": False}, author="bert")
    document = visitor.get("/settings/export")
    assert document.headers["Content-Disposition"].endswith('filename="notify-options-1.json"')
    assert document.json()["values"]["primary_email.server_name"] == "relay.example"
    store.reset(["all"], author="bert")
    visitor.get("/settings/import")
    token = visitor.token

    def send(content: bytes) -> requests.Response:
        visitor.last = visitor.http.post(
            f"{visitor.address}/settings/import",
            data={"form_token": token},
            files={"file": ("options.json", content)},
            timeout=60,
        )
        return visitor.last

    assert send(b'{"nothing": "known"}').status_code == 422
    broken = json.loads(document.content)
    broken["values"]["primary_email.server_port"] = 0
    refused = send(json.dumps(broken).encode())
    assert refused.status_code == 422
    assert "primary_email.server_port: is too small" in refused.text
    assert "relay.example" in send(document.content).text
    save(visitor, "moved")
    assert store.snapshot().text("primary_email.server_name") == "relay.example"
    assert not store.snapshot().flag("text.labels")
    assert next(iter(Audit(redis_server).rows())).action == "options.import"


def test_a_change_that_ends_a_pause_says_so_before_it_is_saved(
    visitor: Visitor, store: SettingsStore, redis_server: redis.Redis
) -> None:
    said = "Primary Email: it is paused, and with these options it is another server, which is not"
    store.change({"primary_email.server_name": "relay.example"}, author="bert")
    store.change({"primary_email.client_secret": ""}, author="bert")
    Pausing(redis_server, store).pause("primary_email", by="anna", reason="new certificate")
    assert said not in review(visitor, {"text.labels": "True"}, 1).text
    assert said in review(visitor, {"primary_email.server_port": "2587"}, 1).text
    password = {"primary_email.authentication_user": "robot", "primary_email.client_secret": PLAIN}
    assert said in review(visitor, password, 1).text, "who signs in makes it another server too"
    assert said not in visitor.get("/settings/history/1").text
    review(visitor, {"primary_email.server_port": "2587"}, 1)
    save(visitor, "moved")
    Pausing(redis_server, store).pause("primary_email", by="anna", reason="as well")
    store.change({"primary_email.server_port": 25}, author="bert")
    Pausing(redis_server, store).resume("primary_email", by="anna")
    store.change({"primary_email.server_port": 2587}, author="bert")
    assert said in visitor.get("/settings/history/1").text


def test_a_revision_is_shown_and_gone_back_to(visitor: Visitor, store: SettingsStore) -> None:
    store.change({"primary_email.server_port": 26}, author="bert", reason="first")
    store.change({"primary_email.server_port": 27}, author="bert", reason="second")
    page = visitor.get("/settings/history/1")
    assert "first" in page.text
    assert "Roll back to revision 1" in page.text
    answer = visitor.post("/settings/history/1", {"revision": "2", "reason": "27 is closed"})
    assert "Saved as revision 3" in answer.text
    assert store.snapshot().number("primary_email.server_port") == 26
    stale = visitor.get("/settings/history/2")
    store.change({"primary_email.server_port": 28}, author="bert")
    stale = visitor.post("/settings/history/2", {"revision": "3", "reason": "too late"})
    assert stale.status_code == 409
    assert store.snapshot().number("primary_email.server_port") == 28
    for reason in ("", "r" * 2001, "two\nlines"):
        visitor.get("/settings/history/2")
        again = visitor.post("/settings/history/2", {"revision": "4", "reason": reason})
        assert again.status_code == 422
        assert 'id="reason-fault"' in again.text
    assert store.snapshot().revision == 4
    assert visitor.get("/settings/history/99").status_code == 404
    assert visitor.get("/settings/history/x").status_code == 404
