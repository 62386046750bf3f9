"""The two local inboxes: what they keep, how they are stopped, and that hostile mail stays inert."""

from __future__ import annotations

import html
import re
import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.rigs.embedded import PROJECT
from tests.rigs.inbox import Inboxes, mail, running_inboxes
from workers.embedded.inbox_page import TOKEN_COOKIE, TOKEN_FIELD
from workers.embedded.inbox_store import InboxStore
from workers.embedded.ports import answers


@pytest.fixture(scope="module")
def inboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inboxes]:
    with running_inboxes(tmp_path_factory.mktemp("home")) as pair:
        yield pair


def test_with_no_mail_the_page_says_what_to_type(tmp_path: Path) -> None:
    with running_inboxes(tmp_path) as pair:
        page = html.unescape(re.sub(r"</?span>", "", pair.ask("/").text))
    assert "No mail yet" in page
    assert f"NOTIFY_HOME={tmp_path} " in page
    assert "notify send email --to you@example.com --message hi" in page


def test_a_mail_shows_on_the_page_and_lies_in_a_file(inboxes: Inboxes) -> None:
    path = inboxes.send(mail("ID=41 Backup done", "All well."), inbox="secondary")
    for page in (inboxes.ask("/").text, inboxes.ask(path).text):
        assert "ID=41 Backup done" in page
        assert "noreply@mycorp.com" in page
        assert '<span class="tag secondary">secondary</span>' in page
    assert "All well." in inboxes.ask(path).text
    file = inboxes.kept("secondary")[-1]
    assert file.stem == path.rpartition("/")[2]
    assert message_from_bytes(file.read_bytes())["Subject"] == "ID=41 Backup done"


def test_a_kept_file_is_what_was_sent_below_what_a_server_adds(inboxes: Inboxes) -> None:
    content = mail("as sent", "one\n.two\n").as_bytes().replace(b"\n", b"\r\n")
    path = inboxes.send(content)
    source = inboxes.ask(f"{path}/source")
    assert source.body.endswith(content)
    assert source.headers["Content-Disposition"].startswith("attachment;")


def test_a_blind_copy_shows_among_the_headers_alone(inboxes: Inboxes) -> None:
    path = inboxes.send(mail("copied"), to="blind@example.com")
    assert "blind@example.com" not in inboxes.ask(path).text
    assert "blind@example.com" in inboxes.ask(f"{path}?show=headers").text


def test_a_text_without_subject_is_listed_by_its_first_line(inboxes: Inboxes) -> None:
    inboxes.send(b"From: a@b.example\r\nTo: 555@vtext.example\r\n\r\nID=77 Disk full\r\nsecond line\r\n")
    assert '<span class="subject">ID=77 Disk full</span>' in inboxes.ask("/").text


def test_attachments_are_saved_and_never_shown(inboxes: Inboxes) -> None:
    message = mail("with a file")
    message.add_attachment(
        b"<script>alert(1)</script>", maintype="text", subtype="html", filename="März ../x.html"
    )
    path = inboxes.send(message)
    page = inboxes.ask(path).text
    assert "März .._x.html" in page
    saved = inboxes.ask(f"{path}/attachment/0")
    assert saved.body == b"<script>alert(1)</script>"
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert saved.headers["Content-Disposition"] == "attachment; filename*=UTF-8''M%C3%A4rz%20.._x.html"
    assert inboxes.ask(f"{path}/attachment/1").status == 404


def test_a_stopped_inbox_refuses_connections_until_it_is_started(inboxes: Inboxes) -> None:
    before = inboxes.send(mail("before the stop"))
    open_before = socket.create_connection(("127.0.0.1", inboxes.ports["primary"]))
    assert open_before.recv(1000).startswith(b"220 ")
    try:
        stopped = inboxes.switch("primary", "stop", selected=before.removeprefix("/mail/"))
        assert (stopped.status, stopped.headers["Location"]) == (303, before)
        with pytest.raises(ConnectionRefusedError):
            smtplib.SMTP("127.0.0.1", inboxes.ports["primary"])
        # What was connected is cut, as by a server that dies.
        assert open_before.recv(1000) == b""
        page = inboxes.ask("/").text
        assert f"127.0.0.1:{inboxes.ports['primary']} refuses connections" in page
        assert 'action="/inbox/primary/start"' in page
        assert answers(inboxes.ports["secondary"])
    finally:
        open_before.close()
        inboxes.switch("primary", "start")
    inboxes.send(mail("after the stop"))
    assert 'action="/inbox/primary/stop"' in inboxes.ask("/").text


def test_starting_where_another_program_listens_meanwhile_is_said(inboxes: Inboxes) -> None:
    inboxes.switch("secondary", "stop")
    try:
        with socket.create_server(("127.0.0.1", inboxes.ports["secondary"])):
            refused = inboxes.switch("secondary", "start")
        assert refused.status == 409
        assert f"port {inboxes.ports['secondary']} is held by another program" in refused.text
    finally:
        assert inboxes.switch("secondary", "start").status == 303


@pytest.mark.parametrize(
    "form, headers",
    [
        ({}, {}),
        ({TOKEN_FIELD: "0" * 32}, {}),
        ({TOKEN_FIELD: "0" * 32}, {"Cookie": f"{TOKEN_COOKIE}={'1' * 32}"}),
    ],
)
def test_a_form_of_another_site_switches_nothing(
    inboxes: Inboxes, form: dict[str, str], headers: dict[str, str]
) -> None:
    assert inboxes.ask("/inbox/primary/stop", form=form, **headers).status == 403
    assert answers(inboxes.ports["primary"])


def test_the_token_is_kept_from_scripts_and_other_sites(inboxes: Inboxes) -> None:
    cookie = inboxes.ask("/").headers["Set-Cookie"]
    assert cookie.startswith(f"{TOKEN_COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("path", ["/", "/live", "/nowhere"])
def test_a_site_whose_name_leads_to_loopback_gets_nothing(inboxes: Inboxes, path: str) -> None:
    inboxes.send(mail("private"))
    answer = inboxes.ask(path, Host=f"evil.example:{inboxes.ports['page']}")
    assert answer.status == 403
    assert "private" not in answer.text


def test_every_answer_forbids_framing_and_foreign_content(inboxes: Inboxes) -> None:
    path = inboxes.send(mail())
    for asked in ("/", "/live", path, "/nowhere", "/assets/inbox.css", "/assets/live.js"):
        policy = inboxes.ask(asked).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, asked
        assert "frame-ancestors 'none'" in policy, asked
        assert "unsafe" not in policy, asked
        assert "http" not in policy, asked


def test_hostile_mail_is_inert(inboxes: Inboxes) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    path = inboxes.send(mail(f"{attack}\"'", attack, html=f"<p>{attack}</p></iframe>{attack}"))
    for asked in (
        "/",
        "/live",
        path,
        f"{path}?show=text",
        f"{path}?show=headers",
        f"{path}?show={attack[:8]}",
    ):
        page = inboxes.ask(asked.replace("<", "%3C")).text
        assert "&lt;script&gt;alert(1)" in page, asked
        assert "<script>" not in page, asked
        assert "<img" not in page, asked
    frame = re.search(r"<iframe[^>]*>", inboxes.ask(path).text)
    assert frame
    assert frame[0].startswith(f'<iframe sandbox src="{path}/html"')
    shown = inboxes.ask(f"{path}/html")
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert shown.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"Subject: =?nonsense?B?////?=\r\nFrom: =?utf-8?Q?=FF?=\r\n\r\n\xff\xfe\x00",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nbody",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody",
        b"Subject: \x00\x1b[31m\xff\r\nTo: \xc3\x28\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"".join(
            b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (i, i) for i in range(3000)
        ),
    ],
    ids=["empty", "blank", "bad words", "charset", "boundary", "mail in mail", "bytes", "deep"],
)
def test_malformed_mail_is_kept_and_shown(inboxes: Inboxes, content: bytes) -> None:
    path = inboxes.send(content)
    for asked in ("/", path, f"{path}?show=headers", f"{path}/html"):
        assert inboxes.ask(asked).status == 200, asked


@pytest.mark.parametrize(
    "path",
    [
        "/mail/primary/../../keyring.json",
        "/mail/primary/..%2f..%2fkeyring",
        "/mail/other/20260101T000000.000000Z-abcdef",
        "/mail/primary/20260101T000000.000000Z-abcdef",
        "/mail/primary/20260101T000000.000000Z-abcdef/source",
        "/assets/../inbox_page.py",
        "/assets/..%2finbox_page.py",
        "/inbox/other/stop",
    ],
)
def test_nothing_but_mails_and_assets_can_be_asked_for(inboxes: Inboxes, path: str) -> None:
    assert inboxes.ask(path).status == 404


def test_a_list_that_did_not_change_is_not_sent_again(inboxes: Inboxes) -> None:
    path = inboxes.send(mail("before"))
    state = re.search(r'data-version="([^"]+)"', inboxes.ask("/").text)
    assert state
    asked = f"/live?have={state[1]}&selected={path.removeprefix('/mail/')}"
    assert inboxes.ask(asked).status == 204
    inboxes.send(mail("after"))
    fresh = inboxes.ask(asked)
    assert fresh.status == 200
    assert "after" in fresh.text
    assert re.search(rf'href="{re.escape(path)}" aria-current="true"', fresh.text)


def test_any_sign_in_is_right_so_that_options_with_a_user_can_be_tried(inboxes: Inboxes) -> None:
    with smtplib.SMTP("127.0.0.1", inboxes.ports["primary"]) as client:
        code, _ = client.login("user", "password")
    assert code == 235


def test_the_page_needs_nothing_from_elsewhere() -> None:
    folder = PROJECT / "workers" / "embedded"
    for file in (*folder.glob("templates/*"), *folder.glob("assets/*")):
        assert not re.search(r"https?://|url\(|@import", file.read_text(encoding="utf-8")), file


def test_the_oldest_mails_go_when_there_are_too_many_or_too_much(tmp_path: Path) -> None:
    store = InboxStore("primary", tmp_path, maximum_mails=3, maximum_bytes=10_000)
    for number in range(5):
        store.keep(mail(f"number {number}").as_bytes(), sender="a@b.example", recipients=["c@d.example"])
    assert [kept.subject for kept in store.newest_first()] == ["number 4", "number 3", "number 2"]
    big = store.keep(b"Subject: big\r\n\r\n" + b"x" * 20_000, sender="", recipients=[])
    assert [kept.id for kept in store.newest_first()] == [big.id]
    assert [file.stem for file in tmp_path.iterdir()] == [big.id]


def test_kept_mails_are_there_after_a_restart(tmp_path: Path) -> None:
    before = InboxStore("primary", tmp_path)
    for number in range(3):
        before.keep(mail(f"Grüße {number}").as_bytes(), sender="a@b.example", recipients=["c@d.example"])
    (tmp_path / "not ours.eml").write_bytes(b"Subject: stranger\r\n\r\n")
    assert InboxStore("primary", tmp_path).newest_first() == before.newest_first()
