"""`notify send`: what is accepted, what is refused and how, and that nothing is sent in a dry run."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from settings_store.store import SettingsStore
from tasks.ledger import LedgerQueries
from tasks.ledger.accepting import Accepting
from tests.rigs.command_line import CommandLine
from tests.rigs.processes import free_port

EMAIL = ("send", "email", "--to", "ops@example.com", "--message", "Job failed")


@pytest.fixture
def queries(redis_server: redis.Redis) -> LedgerQueries:
    return LedgerQueries(redis_server)


def content(queries: LedgerQueries, number: int = 1) -> Any:
    """What was accepted under a number."""
    record = queries.find(str(number))
    assert record is not None
    return json.loads(record.content)


def test_an_email_is_accepted_and_a_bell_rings_for_it(
    notify: CommandLine, queries: LedgerQueries, redis_server: redis.Redis
) -> None:
    done = notify("send", "email", "--to", "a@b", "--subject", "S", "--message", "M", "--json")
    assert (done.code, done.err) == (0, "")
    assert list(done.json) == ["id", "number", "state"]
    assert done.json == {"id": str(uuid.UUID(done.json["id"])), "number": 1, "state": "queued"}
    record = queries.get(done.json["id"])
    assert record is not None
    assert (record.channel, record.state) == ("email", "queued")
    assert redis_server.llen("notify.normal") == 1


def test_every_flag_fills_its_field(notify: CommandLine, queries: LedgerQueries, tmp_path: Path) -> None:
    page, file = tmp_path / "page.html", tmp_path / "log.txt"
    page.write_text("<p>hi</p>\n")
    file.write_bytes(b"\x00\xff")
    done = notify(
        "send", "email",
        "--to", "a@example.com;b@example.com", "--to", "c@example.com", "--cc", "d@example.com",
        "--bcc", "e@example.com", "--reply-to", "f@example.com",
        "--subject", "S", "--message", "M", "--html", str(page), "--attach", str(file),
        "--priority", "high", "--key", "k", "--id", "i-1", "--not-before", "2030-01-01T00:00:00+01:00",
        "--expires", "2030-01-02T00:00:00Z",
        "--schedule-date", "D", "--schedule", "N", "--job", "J", "--job-number", "7", "--machine", "P",
        "--trigger", "T", "--status", "X", "--property", "p=1=2", "--property", "q=", "--exclude-prefix",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert content(queries) == {
        "version": 1,
        "channel": "email",
        "to": ["a@example.com", "b@example.com", "c@example.com"],
        "cc": ["d@example.com"],
        "bcc": ["e@example.com"],
        "reply_to": ["f@example.com"],
        "subject": "S",
        "message": "M",
        "html": "<p>hi</p>",
        "attachments": [{"name": "log.txt", "content_base64": base64.b64encode(b"\x00\xff").decode()}],
        "priority": "high",
        "not_before": "2029-12-31T23:00:00Z",
        "expires": "2030-01-02T00:00:00Z",
        "context": {
            "schedule_date": "D", "schedule": "N", "job": "J", "job_number": "7", "machine": "P",
            "trigger": "T", "status": "X",
        },
        "properties": {"p": "1=2", "q": ""},
        "exclude_prefix": True,
    }  # fmt: skip
    assert done.out == "ID=1 waiting  i-1\n"


def test_a_text_is_accepted_likewise(notify: CommandLine, queries: LedgerQueries) -> None:
    done = notify("send", "text", "--to", "1@sms.example,2@sms.example", "--message", "M", "--json")
    assert done.code == 0
    assert content(queries)["to"] == ["1@sms.example", "2@sms.example"]


def test_a_text_that_is_too_long_is_refused_where_asked_for(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    words = ("send", "text", "--to", "1@sms.example", "--message", "x" * 200)
    done = notify(*words, "--long-text", "refuse")
    assert done.code == 2
    assert done.error.startswith("message takes ")
    assert not queries.page().total
    assert notify(*words, "--long-text", "cut").code == 0


@pytest.mark.parametrize("flags", [(), ("--message", "-")])
def test_the_message_comes_by_pipe(
    notify: CommandLine, queries: LedgerQueries, flags: tuple[str, ...]
) -> None:
    assert notify("send", "email", "--to", "a@b", *flags, stdin="ä\nb\n".encode()).code == 0
    assert content(queries)["message"] == "ä\nb"


def test_a_pipe_that_is_no_utf8_is_sent_all_the_same_with_a_warning(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    done = notify("send", "email", "--to", "a@b", stdin=b"caf\xe9")
    assert done.code == 0
    assert "warning: stdin: is not UTF-8" in done.err
    assert content(queries)["message"] == "caf\ufffd"


def test_an_empty_pipe_says_nothing_by_itself_but_a_subject_does(notify: CommandLine) -> None:
    done = notify("send", "email", "--to", "a@b")
    assert (done.code, done.error) == (2, "--message is missing, and nothing is piped in")
    assert notify("send", "email", "--to", "a@b", "--subject", "down").code == 0


def test_at_a_terminal_a_missing_message_is_an_error_and_no_prompt(notify: CommandLine) -> None:
    done = notify.terminal("send", "email", "--to", "a@b")
    assert done.code == 2
    assert "--message is missing" in done.out


@pytest.mark.parametrize("how", ["file", "pipe"])
def test_a_notification_is_taken_as_json(
    notify: CommandLine, queries: LedgerQueries, tmp_path: Path, how: str
) -> None:
    document = {"version": 1, "channel": "email", "to": ["a@b"], "message": "M", "key": "k"}
    raw = json.dumps(document).encode()
    file = tmp_path / "n.json"
    file.write_bytes(raw)
    source = "-" if how == "pipe" else str(file)
    assert notify("send", "email", "--from-json", source, stdin=raw if how == "pipe" else b"").code == 0
    assert content(queries)["message"] == "M"


@pytest.mark.parametrize(
    "raw, fault",
    [
        (b"{", "notification is not JSON"),
        (b"", "notification is not JSON"),
        (b"\xff\xfe", "notification is not JSON"),
        (b"[]", "notification is of JSON type array"),
        (b"[" * 100_000, "notification is of JSON type array"),
        (b'{"version": 2}', "version is not known to this release"),
        (b'{"version": 1, "channel": "email", "to": "a@b"}', "message is missing"),
        (
            b'{"version": 1, "channel": "text", "to": "a@b", "message": "x"}',
            "channel: the document says text, the command email",
        ),
    ],
)
def test_json_that_is_no_notification_of_this_channel_is_refused(
    notify: CommandLine, queries: LedgerQueries, raw: bytes, fault: str
) -> None:
    done = notify("send", "email", "--from-json", "-", stdin=raw)
    assert done.code == 2
    assert done.error.startswith(fault)
    assert not queries.page().total


def test_json_and_flags_are_not_mixed(notify: CommandLine) -> None:
    done = notify(*EMAIL, "--from-json", "-", stdin=b"{}")
    assert (done.code, done.hint) == (2, "leave --to out")


@pytest.mark.parametrize(
    "flags, fault",
    [
        (("--to", "not-an-address"), "to[1] has no domain"),
        (("--to", "a@b\r\nBcc: victim@example.com"), "to[1] "),
        (("--subject", "a\nb"), "subject has a control character"),
        (("--id", "../etc"), "id has a character or form"),
        (("--expires", "1999-01-01T00:00:00Z"), "expires: is past"),
        (("--expires", "tomorrow"), "--expires: is neither a distance"),
        (("--expires", "2030-01-01"), "--expires: the time has no offset"),
        (("--property", "noequals"), "--property: has no = in it"),
        (("--property", "a=1", "--property", "a=2"), "--property a: is given twice"),
        (("--attach", "/nonexistent/file"), "--attach /nonexistent/file: No such file or directory"),
        (("--attach", "/"), "--attach /: Is a directory"),
        (("--attach", "a\0b"), "--attach a"),
        (("--attach-path", r"C:\f.log"), "attachments[0].path is neither on a network share nor absolute"),
        (("--html", "/nonexistent"), "--html /nonexistent: No such file or directory"),
        (("--wait", "nan"), "--wait: is no number"),
        (("--wait", "-1"), "invalid value for '--wait'"),
        (("--priority", "urgent"), "invalid value for '--priority'"),
        (("--mesage", "x"), "no such option '--mesage'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_recorded(
    notify: CommandLine, queries: LedgerQueries, flags: tuple[str, ...], fault: str
) -> None:
    done = notify(*EMAIL, *flags)
    assert done.code == 2
    assert done.error.startswith(fault)
    assert done.hint
    assert "Traceback" not in done.err
    assert not queries.page().total


def test_paths_that_workers_read_go_along_as_paths_in_the_order_of_their_flag(notify: CommandLine) -> None:
    flags = ("--attach", r"\\srv\share\f.log", "--attach-path", "/var/log/g.log", "--strict")
    done = notify(*EMAIL, *flags, "--dry-run", "--json")
    assert done.code == 0
    assert done.json["document"]["attachments"] == [
        {"path": r"\\srv\share\f.log"}, {"path": "/var/log/g.log"},
    ]  # fmt: skip
    assert done.json["document"]["strict"] is True


def test_an_attachment_over_the_limit_is_refused(notify: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    done = notify(*EMAIL, "--attach", str(file))
    assert done.code == 2
    assert done.error.startswith("attachments is longer than")


def test_a_recipient_is_needed(notify: CommandLine) -> None:
    assert notify("send", "text", "--message", "x").error == "--to is missing"


def test_the_same_key_is_accepted_once(notify: CommandLine, queries: LedgerQueries) -> None:
    first = notify(*EMAIL, "--key", "k", "--json").json
    again = notify(*EMAIL, "--key", "k", "--json")
    assert again.json == first
    assert "accepted before" in again.err
    other = notify(*EMAIL, "--key", "k", "--subject", "other")
    assert other.code == 1
    assert first["id"] in other.error
    assert queries.page().total == 1


def test_a_dry_run_prints_document_and_route_and_records_nothing(
    notify: CommandLine, queries: LedgerQueries, store: SettingsStore, tmp_path: Path
) -> None:
    store.change({"primary_email.server_name": "smtp.x"}, author="a")
    file = tmp_path / "f.txt"
    file.write_bytes(b"abc")
    done = notify(*EMAIL, "--attach", str(file), "--dry-run", "--json")
    assert done.code == 0
    assert done.json["document"] == {
        "version": 1,
        "channel": "email",
        "to": ["ops@example.com"],
        "message": "Job failed",
        "attachments": [{"name": "f.txt", "content_base64": "YWJj"}],
    }
    assert done.json["route"]["chain"] == ["primary_email"]
    human = notify(*EMAIL, "--attach", str(file), "--dry-run")
    assert '"content_base64": "<3 bytes>"' in human.out
    assert "  1  Primary Email  smtp.x:25, no TLS, from noreply@mycorp.com" in human.out
    assert human.err == "dry run: nothing was sent\n"
    assert not queries.page().total


def test_a_dry_run_refuses_what_sending_would_refuse(notify: CommandLine) -> None:
    assert notify(*EMAIL, "--expires", "1999-01-01T00:00:00Z", "--dry-run").code == 2


def test_a_broker_that_is_away_does_not_lose_the_notification(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    broker = f"redis://127.0.0.1:{free_port()}/0"
    done = notify(*EMAIL, "--json", env={"NOTIFY_BROKER_URL": broker})
    assert done.code == 0
    assert done.err == (
        "warning: the broker does not answer; a worker finds the notification in the ledger by itself\n"
    )
    assert queries.get(done.json["id"]) is not None


def test_where_redis_goes_away_in_the_middle_the_way_to_repeat_is_named(
    notify: CommandLine, queries: LedgerQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = Accepting.accepted

    def lose_the_reply(accepting: Accepting) -> Any:
        accepted(accepting)
        raise redis.TimeoutError("Timeout reading from socket")

    with monkeypatch.context() as patch:
        patch.setattr(Accepting, "accepted", lose_the_reply)
        done = notify(*EMAIL)
    assert done.code == 1
    assert done.error.endswith("whether the notification was accepted is unknown")
    repeat = done.hint.partition("--id ")[2].partition(":")[0]
    assert "accepted before" in notify(*EMAIL, "--id", repeat).err
    assert queries.page().total == 1


def test_a_full_redis_refuses_and_says_what_to_do(
    notify: CommandLine, redis_server: redis.Redis, full: None
) -> None:
    assert full is None
    done = notify(*EMAIL)
    assert done.code == 1
    assert "maxmemory" in done.error
    assert not LedgerQueries(redis_server).page().total


@pytest.fixture
def full(redis_server: redis.Redis) -> Iterator[None]:
    """Redis is so full that nothing more is accepted."""
    redis_server.config_set("maxmemory", int(redis_server.info("memory")["used_memory"] * 1.05))
    yield
    redis_server.config_set("maxmemory", 0)


def test_recipients_come_from_files_too(notify: CommandLine, queries: LedgerQueries, tmp_path: Path) -> None:
    file, phones = tmp_path / "on-call.txt", tmp_path / "phones.txt"
    file.write_text("# on call\n  a@example.com\n\nb@example.com; c@example.com,d@example.com # night\r\n")
    phones.write_text("\ufeff4915@sms.example\n")
    done = notify(
        "send", "email", "--to", f"@{file}", "--to", "e@example.com;a@example.com",
        "--escalate-text-to", f"@{phones}", "--message", "M",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert content(queries)["to"] == [f"{name}@example.com" for name in "abcde"]
    assert content(queries)["escalate_text_to"] == ["4915@sms.example"]


@pytest.mark.parametrize(
    "lines, fault",
    [
        ("a@example.com\nnobody\n", "line 2 has no domain"),
        ("# nobody\n\n", "holds no address"),
    ],
)
def test_a_file_that_is_no_list_of_addresses_is_refused_by_its_line(
    notify: CommandLine, queries: LedgerQueries, tmp_path: Path, lines: str, fault: str
) -> None:
    file = tmp_path / "list.txt"
    file.write_text(lines)
    done = notify("send", "email", "--to", f"@{file}", "--message", "M")
    assert done.code == 2
    assert done.error.startswith(f"--to @{file}: {fault}")
    assert not queries.page().total


def test_a_file_of_recipients_that_is_not_there_is_refused(notify: CommandLine, tmp_path: Path) -> None:
    done = notify("send", "email", "--to", f"@{tmp_path / 'none'}", "--message", "M")
    assert done.code == 2
    assert "No such file" in done.error


def test_a_thousand_recipients_from_a_file_are_one_notification(
    notify: CommandLine, queries: LedgerQueries, tmp_path: Path
) -> None:
    file = tmp_path / "all.txt"
    file.write_text("\n".join(f"a{number}@example.com" for number in range(1000)))
    assert notify("send", "email", "--to", f"@{file}", "--message", "M").code == 0
    assert len(content(queries)["to"]) == 1000


def test_a_retry_under_the_same_key_may_name_its_times_from_now(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    words = (*EMAIL, "--json", "--key", "nightly", "--not-before")
    first = notify(*words, "1m", "--expires", "2h")
    # Said a second later, the same distance leads to another time.
    again = notify(*words, "1m1s", "--expires", "2h1s")
    assert (first.code, again.code) == (0, 0), again.err
    assert again.json["id"] == first.json["id"]
    assert "it was accepted before" in again.err
    assert queries.page().total == 1
