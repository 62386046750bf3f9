"""`notify options`: shapes, exit codes, diffs, and what goes wrong."""

from __future__ import annotations

import os
import pwd
import socket

import pytest

from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine


def test_get_prints_exactly_the_values_asked_for(notify: CommandLine) -> None:
    done = notify("options", "get", "primary_email.server_port", "primary_email.enable_ssl", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {"primary_email.server_port": 25, "primary_email.enable_ssl": False}


def test_get_of_one_option_prints_the_bare_value(notify: CommandLine) -> None:
    assert notify("options", "get", "primary_email.notification_address").out == "noreply@mycorp.com\n"


def test_get_of_a_group_prints_each_with_its_name(notify: CommandLine) -> None:
    lines = notify("options", "get", "timeouts").out.splitlines()
    assert lines[0].split() == ["timeouts.connect_seconds", "10"]
    assert len(lines) == len([key for key in ALL_OPTIONS if key.startswith("timeouts.")])


def test_a_misspelt_option_ends_with_usage_and_the_nearest_name(notify: CommandLine) -> None:
    done = notify("options", "get", "primary_email.servername")
    assert done.code == 2
    assert done.error.startswith("primary_email.servername: there is no such option")
    assert done.hint == "`notify options get primary_email.server_name`"


def test_set_saves_and_prints_diff_revision_and_warnings(notify: CommandLine, store: SettingsStore) -> None:
    done = notify(
        "options", "set", "secondary_email.server_name=smtp.x", "primary_email.server_port=587",
        "--reason", "go live",
    )  # fmt: skip
    assert done.code == 0
    assert done.out.splitlines() == [
        'secondary_email.server_name  "" → smtp.x',
        "primary_email.server_port    25 → 587",
        "saved as revision 1",
    ]
    assert "warning: Secondary Email: it is set, but Primary Email is blank" in done.err
    assert store.snapshot().get("primary_email.server_port") == 587


def test_the_author_is_the_user_of_the_operating_system(notify: CommandLine, store: SettingsStore) -> None:
    notify("options", "set", "text.labels=no", "--reason", "x", env={"LOGNAME": "mallory", "USER": "mallory"})
    (revision,) = store.history()
    assert revision.author == f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert revision.reason == "x"


def test_set_prints_json_with_stable_names(notify: CommandLine) -> None:
    done = notify("options", "set", "primary_email.server_port=587", "--reason", "x", "--json")
    assert done.json == {
        "revision": 1,
        "saved": True,
        "changes": {"primary_email.server_port": {"before": 25, "after": 587}},
        "warnings": [],
    }


def test_set_to_what_it_is_makes_no_revision(notify: CommandLine, store: SettingsStore) -> None:
    done = notify("options", "set", "primary_email.server_port=25", "--reason", "x")
    assert (done.code, done.out) == (0, "")
    assert done.err == "nothing differs, revision 0 holds\n"
    assert store.snapshot().revision == 0


@pytest.mark.parametrize(
    "words",
    [
        ("set", "primary_email.server_port=26"),
        ("reset", "primary_email"),
        ("rollback", "0"),
    ],
)
def test_a_dry_run_shows_the_diff_and_saves_nothing(
    notify: CommandLine, store: SettingsStore, words: tuple[str, ...]
) -> None:
    store.change({"primary_email.server_port": 587}, author="a")
    done = notify("options", *words, "--dry-run")
    assert done.code == 0
    assert done.out.startswith("primary_email.server_port  587 → 2")
    assert "dry run: nothing was saved" in done.err
    assert store.snapshot().revision == 1


@pytest.mark.parametrize(
    "words", [("set", "text.labels=no"), ("reset", "all"), ("rollback", "0"), ("mirror", "email", "on")]
)
def test_a_change_needs_a_reason(notify: CommandLine, store: SettingsStore, words: tuple[str, ...]) -> None:
    done = notify("options", *words)
    assert done.code == 2
    assert "--reason" in done.error
    assert store.snapshot().revision == 0


@pytest.mark.parametrize(
    "assignment, fault",
    [
        ("primary_email.server_port=0", "primary_email.server_port: is too small; allowed: integer 1"),
        ("primary_email.server_port=", "primary_email.server_port: is not a whole number"),
        ("primary_email.enable_ssl=perhaps", "primary_email.enable_ssl: is neither True nor False"),
        ("primary_email.server_name=a'b", "primary_email.server_name: has the character '"),
        ("primary_email.server_name=a\x1b[2J", "primary_email.server_name: has a control character"),
        ("primary_email.server_name", "primary_email.server_name: has no value"),
        ("hunter2", "argument 1 has no = in it"),
        ("qqqqqq=hunter2", "argument 1 names no option"),
        ("=hunter2", "argument 1 names no option"),
    ],
)
def test_bad_input_names_option_fault_and_limits_and_is_not_repeated(
    notify: CommandLine, store: SettingsStore, assignment: str, fault: str
) -> None:
    done = notify("options", "set", assignment, "--reason", "x")
    assert done.code == 2
    assert done.error.startswith(fault)
    assert "hunter2" not in done.err + done.out
    assert store.snapshot().revision == 0


def test_every_fault_of_a_change_is_told_and_nothing_is_saved(
    notify: CommandLine, store: SettingsStore
) -> None:
    done = notify(
        "options", "set", "primary_email.server_port=0", "text.labels=7", "text.delimiter=|", "--reason", "x"
    )
    assert done.code == 2
    assert done.error == "nothing was saved: 2 faults"
    assert "primary_email.server_port: is too small" in done.err
    assert "text.labels: is neither True nor False" in done.err
    assert store.snapshot().revision == 0


def test_an_option_given_twice_is_refused(notify: CommandLine) -> None:
    done = notify("options", "set", "text.labels=no", "text.labels=yes", "--reason", "x")
    assert (done.code, done.error) == (2, "text.labels: is given twice")


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    "words",
    [("set", "text.machine_name=no"), ("reset", "text.labels"), ("rollback", "0"), ("mirror", "sms", "on")],
)
def test_a_change_from_an_old_revision_is_refused_and_says_who_was_faster(
    notify: CommandLine, store: SettingsStore, dry: tuple[str, ...], words: tuple[str, ...]
) -> None:
    store.change({"text.labels": False}, author="ann", reason="hers")
    done = notify("options", *words, "--reason", "x", "--expect-revision", "0", *dry)
    assert done.code == 1
    assert "made from revision 0, but the settings are at revision 1" in done.error
    assert "revision 1: ann at" in done.err
    assert "changed text.labels" in done.err
    assert store.snapshot().revision == 1


def test_reset_takes_groups_and_rollback_brings_them_back(notify: CommandLine, store: SettingsStore) -> None:
    store.change({"primary_email.server_port": 587, "primary_email.server_name": "smtp.x"}, author="a")
    assert notify("options", "reset", "primary_email", "--reason", "again").code == 0
    assert store.snapshot().get("primary_email.server_name") == ""
    done = notify("options", "rollback", "1", "--reason", "no, not that")
    assert done.out.splitlines()[-1] == "saved as revision 3"
    assert store.snapshot().get("primary_email.server_name") == "smtp.x"


def test_rollback_to_a_revision_that_never_was_is_bad_input(notify: CommandLine) -> None:
    done = notify("options", "rollback", "7", "--reason", "x")
    assert done.code == 2
    assert done.hint == "`notify options history` lists the revisions there are"


def test_history_is_told_newest_first(notify: CommandLine, store: SettingsStore) -> None:
    store.change({"text.labels": False}, author="ann", reason="one")
    store.change({"primary_email.server_port": 587}, author="bob", reason="two\u202e")
    done = notify("options", "history", "--json")
    first, second = done.json["revisions"]
    assert {key: first[key] for key in ("revision", "author", "reason", "changes")} == {
        "revision": 2,
        "author": "bob",
        "reason": "two\u202e",
        "changes": {"primary_email.server_port": {"before": 25, "after": 587}},
    }
    assert second["revision"] == 1
    human = notify("options", "history", "--limit", "1").out.splitlines()
    assert human[0].startswith("revision 2  ")
    assert human[1:] == ["  two\\u202e", "  primary_email.server_port  25 → 587"]


def test_the_list_tells_who_changed_what_and_what_a_mirror_lays_over(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"primary_email.server_name": "smtp.x", "mirror.email": True}, author="ann@box")
    whole = notify("options", "list", "--json").json
    assert whole["revision"] == 1
    assert [option["key"] for option in whole["options"]] == list(ALL_OPTIONS)
    changed = {
        option["key"]: option for option in notify("options", "list", "--changed", "--json").json["options"]
    }
    assert set(changed) == {"primary_email.server_name", "secondary_email.server_name", "mirror.email"}
    mirrored = changed["secondary_email.server_name"]
    assert (mirrored["value"], mirrored["source"]) == ("smtp.x", "primary_email.server_name")
    assert mirrored["changed_by"] == "ann@box"
    lines = notify("options", "list", "--changed").out.splitlines()
    assert lines[0].split() == ["OPTION", "VALUE", "SET", "BY"]
    assert "ann@box, now" in lines[1]
    assert lines[2].endswith("as primary_email")


def test_on_a_terminal_the_list_has_a_table_a_group_in_which_no_value_is_broken(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"primary_email.server_port": 2525}, author="ann@some-host-with-a-long-name")
    lines = notify.terminal("options", "list", env={"NO_COLOR": "1"}).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line in GROUPS.values()] == list(GROUPS.values())
    assert {line.split()[0] for line in lines if "." in line.split(" ")[0]} == ALL_OPTIONS.keys()
    for group in ("primary_email", "secondary_email", "primary_sms", "secondary_sms"):
        (line,) = (line for line in lines if line.startswith(f"{group}.notification_address "))
        assert line.split() == [f"{group}.notification_address", "noreply@mycorp.com", "default"]


def test_a_group_can_be_listed_alone(notify: CommandLine) -> None:
    keys = [option["key"] for option in notify("options", "list", "--group", "tls", "--json").json["options"]]
    assert keys == ["tls.ca_bundle", "tls.minimum_version", "tls.client_certificate", "tls.client_key"]


def test_the_list_warns_of_what_is_wrong_together_in_the_groups_it_shows(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"primary_email.server_port": 465, "primary_sms.server_name": "sms:25"}, author="a")
    whole = notify("options", "list")
    assert "warning: Primary Email: port 465 speaks TLS from the first byte" in whole.err
    assert "warning: Primary SMS: the server name has a port in it" in whole.err
    assert notify("options", "list", "--group", "primary_sms", "--json").json["warnings"] == [
        "Primary SMS: the server name has a port in it; the port belongs in SMTP Server Port"
    ]
    assert notify("options", "list", "--group", "general", "--json").json["warnings"] == []


def test_get_tells_default_and_who_on_demand(notify: CommandLine, store: SettingsStore) -> None:
    store.change({"primary_email.server_port": 587}, author="ann@box")
    told = notify("options", "get", "primary_email.server_port", "text.labels", "--who", "--json").json
    port, labels = told["primary_email.server_port"], told["text.labels"]
    assert (port["value"], port["default"], port["changed"], port["changed_by"]) == (587, 25, True, "ann@box")
    assert port["changed_at"].endswith("Z")
    assert (labels["changed"], labels["changed_by"], labels["changed_at"]) == (False, None, None)
    lines = notify("options", "get", "primary_email.server_port", "text.labels", "--who").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["primary_email.server_port", "587", "25"],
        ["text.labels", "True", "True"],
    ]
    assert "ann@box, " in lines[1]
    assert lines[2].endswith("default")


_AT_ODDS = "warning: Primary Email: port 465 speaks TLS from the first byte, but Enable SSL is False"


@pytest.mark.parametrize("ending", [("--dry-run",), ("--reason", "x")], ids=["dry run", "saved"])
@pytest.mark.parametrize(
    "words, warning",
    [
        (("set", "primary_email.enable_ssl=no"), _AT_ODDS),
        (("reset", "primary_email.enable_ssl"), _AT_ODDS),
        (("rollback", "1"), _AT_ODDS),
        (("mirror", "email", "on"), "warning: Secondary Email: it is the same server as Primary Email"),
    ],
)
def test_every_way_to_change_warns_of_what_is_wrong_together(
    notify: CommandLine, store: SettingsStore, words: tuple[str, ...], warning: str, ending: tuple[str, ...]
) -> None:
    store.change({"primary_email.server_name": "mail", "primary_email.server_port": 465}, author="a")
    store.change({"primary_email.enable_ssl": True}, author="a")
    assert "warning" not in notify("options", "list").err
    done = notify("options", *words, *ending)
    assert done.code == 0
    assert warning in done.err
