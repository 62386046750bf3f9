"""`notify audit`: what was done, for a person, a spreadsheet and a program."""

from __future__ import annotations

import csv
import io
import json
import socket

import pytest
import redis

from settings_store.audit import Audit
from tests.rigs.command_line import CommandLine


@pytest.fixture
def audit(redis_server: redis.Redis) -> Audit:
    return Audit(redis_server)


def test_a_change_of_options_is_shown_with_who_what_and_from_where(notify: CommandLine) -> None:
    notify("options", "set", "primary_email.server_port=587", "--reason", "new relay")
    done = notify("audit", "list")
    assert done.code == 0
    assert done.out.splitlines()[0] == "options.change primary_email.server_port"
    shown = " ".join(done.out.split())  # a long name of this host breaks lines
    assert f"@{socket.gethostname()} (cli {socket.gethostname()})" in shown
    assert "reason: new relay" in shown
    assert "25 → 587" in shown


def test_the_list_is_json_with_stable_names(notify: CommandLine, audit: Audit) -> None:
    audit.record("anna", "server.pause", "primary_email", detail={"minutes": 5}, source="web 10.0.0.9")
    (row,) = notify("audit", "list", "--json").json["rows"]
    assert list(row) == ["at", "actor", "source", "action", "target", "outcome", "detail", "id"]
    assert row["detail"] == {"minutes": 5}
    assert row["at"].endswith("Z")


def test_the_list_says_that_there_are_more(notify: CommandLine, audit: Audit) -> None:
    for number in range(3):
        audit.record("anna", "message.cancel", str(number))
    done = notify("audit", "list", "--limit", "2")
    assert [line for line in done.out.splitlines() if line.startswith("message")] == [
        "message.cancel 2",
        "message.cancel 1",
    ]
    assert "there are more" in done.err
    assert notify("audit", "list", "--limit", "2", "--json").json["more"] is True
    assert notify("audit", "list", "--limit", "3", "--json").json["more"] is False


@pytest.mark.parametrize(
    "filters",
    [
        ("--actor", "an*"),
        ("--action", "sign_in"),
        ("--target", "anna"),
        ("--outcome", "refused"),
        ("--action", "sign_in", "--since", "2h"),
    ],
)
def test_each_filter_finds_its_rows_alone(
    notify: CommandLine, audit: Audit, filters: tuple[str, ...]
) -> None:
    audit.record("root@x", "message.cancel", "1")
    audit.record("anna", "sign_in.password", "anna", outcome="refused")
    done = notify("audit", "list", *filters)
    assert done.out.splitlines()[0] == "sign_in.password anna  REFUSED"
    assert "message.cancel" not in done.out
    assert notify("audit", "export", *filters).out.count("\n") == 2


def test_a_filter_that_matches_nothing_ends_with_3_and_an_empty_audit_with_0(notify: CommandLine) -> None:
    assert notify("audit", "list").code == 0
    assert notify("audit", "list", "--actor", "nobody").code == 3
    assert notify("audit", "list", "--until", "2h").code == 3


def test_since_before_there_were_clocks_is_all_of_it(notify: CommandLine, audit: Audit) -> None:
    audit.record("ann", "server.pause", "primary_email")
    for long_ago in ("1969-12-31T23:59:59Z", "99999d"):
        assert notify("audit", "list", "--since", long_ago).code == 0
        assert notify("audit", "list", "--until", long_ago).code == 3


def test_a_time_that_is_none_is_bad_input(notify: CommandLine) -> None:
    done = notify("audit", "list", "--since", "yesterday")
    assert (done.code, done.error.partition(":")[0]) == (2, "--since")


def test_the_export_is_a_table_oldest_first_that_no_spreadsheet_runs(
    notify: CommandLine, audit: Audit
) -> None:
    audit.record("=HYPERLINK(1)", "message.cancel", 'two "quoted", words')
    audit.record("anna", "message.cancel", "2", detail={"reason": "ä,\n=1+1"})
    audit.record("\uff1d1+1", "message.cancel", "\n=1+1")
    done = notify("audit", "export")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["actor"] for row in rows] == ["'=HYPERLINK(1)", "anna", "'\uff1d1+1"]
    assert rows[2]["target"] == "'\n=1+1"
    assert rows[0]["target"] == 'two "quoted", words'
    assert json.loads(rows[1]["detail"]) == {"reason": "ä,\n=1+1"}
    assert done.err == "3 rows\n"


def test_the_export_is_a_json_document_a_line(notify: CommandLine, audit: Audit) -> None:
    audit.record("anna", "message.cancel", "1")
    audit.record("anna", "message.cancel", "2")
    lines = notify("audit", "export", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["target"] for line in lines] == ["1", "2"]


def test_nothing_in_a_row_can_move_the_cursor(notify: CommandLine, audit: Audit) -> None:
    audit.record("an\x1b[2Jna", "message.cancel", "\x1b]0;x\x07", detail={"why": "\x1b[1m"}, source="\x1b")
    assert "\x1b" not in notify("audit", "list").out
