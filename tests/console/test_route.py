"""`notify route explain`."""

from __future__ import annotations

import json

import pytest

from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine


@pytest.fixture
def routed(store: SettingsStore) -> SettingsStore:
    """Two e-mail servers and an SMS server."""
    names = ("primary_email", "secondary_email", "primary_sms")
    store.change({f"{name}.server_name": f"{name}.example" for name in names}, author="a")
    return store


@pytest.mark.usefixtures("routed")
def test_the_json_has_exactly_the_names_that_others_rely_on(notify: CommandLine) -> None:
    done = notify("route", "explain", "email", "--json")
    assert done.code == 0
    assert list(json.loads(done.out)) == ["chain", "reasons", "held"]
    assert done.json["chain"] == ["primary_email", "secondary_email"]
    assert done.json["reasons"][0] == "e-mail goes to Primary Email first"
    assert done.json["held"] is None


def test_without_a_server_it_says_that_messages_are_held_and_what_ends_that(notify: CommandLine) -> None:
    done = notify("route", "explain", "text", "--json")
    assert done.code == 0
    assert (done.json["chain"], done.json["held"]) == ([], "Primary Email server name is blank")
    human = notify("route", "explain", "text")
    assert human.out.splitlines()[0] == "held: Primary Email server name is blank"
    assert "notify options set primary_email.server_name=HOST" in human.err


@pytest.mark.parametrize(
    "channel, expected, code",
    [
        ("email", "primary_email,secondary_email", 0),
        ("email", " primary_email , secondary_email ", 0),
        ("email", "secondary_email,primary_email", 1),
        ("email", "primary_email", 1),
        ("email", "none", 1),
        ("text", "primary_sms", 0),
        ("text", "tertiary_sms", 2),
    ],
)
@pytest.mark.usefixtures("routed")
def test_an_expectation_decides_the_exit_code(
    notify: CommandLine, channel: str, expected: str, code: int
) -> None:
    assert notify("route", "explain", channel, "--expect", expected).code == code


@pytest.mark.parametrize(
    "expected, details",
    [
        ("primary_email", ["secondary_email: in the chain, and not expected"]),
        (
            "primary_email,secondary_email,primary_sms",
            ["primary_sms: expected, and not in the chain"],
        ),
        (
            "secondary_email,primary_email",
            [
                "place 1: primary_email instead of secondary_email",
                "place 2: secondary_email instead of primary_email",
            ],
        ),
    ],
)
@pytest.mark.usefixtures("routed")
def test_what_differs_from_an_expectation_is_told(
    notify: CommandLine, expected: str, details: list[str]
) -> None:
    done = notify("route", "explain", "email", "--expect", expected)
    assert [line.strip() for line in done.err.splitlines()[1:-1]] == details


def test_an_expected_server_that_is_dropped_as_a_twin_is_told_as_such(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change(
        {"primary_email.server_name": "a.example", "secondary_email.server_name": "a.example"}, author="a"
    )
    done = notify("route", "explain", "email", "--expect", "primary_email,secondary_email")
    assert done.code == 1
    assert "Secondary Email is dropped: same server, same sign-in as Primary Email" in done.err


def test_the_chain_of_an_earlier_revision_can_be_asked_for(
    notify: CommandLine, routed: SettingsStore
) -> None:
    routed.change({"primary_email.server_name": ""}, author="a")
    assert notify("route", "explain", "email", "--json").json["chain"] == []
    then = notify("route", "explain", "email", "--revision", "1", "--json")
    assert then.json["chain"] == ["primary_email", "secondary_email"]
    before = notify("route", "explain", "email", "--revision", "0", "--expect", "none")
    assert (before.code, before.err) == (0, "")
    assert notify("route", "explain", "email", "--revision", "9").code == 2


@pytest.mark.parametrize("nothing", ["", " ", "primary_email,", "none,primary_email"])
def test_an_expectation_of_nothing_is_no_expectation_of_nobody(notify: CommandLine, nothing: str) -> None:
    done = notify("route", "explain", "email", "--expect", nothing)
    assert (done.code, done.out) == (2, "")
    assert done.hint.endswith("`none` is none")


def test_held_can_be_expected(notify: CommandLine) -> None:
    assert notify("route", "explain", "email", "--expect", "none").code == 0


@pytest.mark.usefixtures("routed")
def test_a_person_sees_each_server_with_its_rule_within_the_screen(notify: CommandLine) -> None:
    lines = notify("route", "explain", "email").out.splitlines()
    assert lines[0] == "  1  Primary Email  primary_email.example:25, no TLS, from noreply@mycorp.com"
    assert lines[1] == "     e-mail goes to Primary Email first"
    assert max(map(len, lines[1:2])) <= 80


def test_a_server_of_the_chain_that_is_left_alone_now_is_warned_of(
    notify: CommandLine, routed: SettingsStore
) -> None:
    assert "not used now" not in notify("route", "explain", "email").err
    assert notify("server", "pause", "primary_email", "--reason", "moved").code == 0
    done = notify("route", "explain", "email", "--expect", "primary_email,secondary_email")
    assert done.code == 0
    assert done.err == (
        "warning: Primary Email is not used now, paused: moved; `notify server list` tells more\n"
    )
    assert "not used now" not in notify("route", "explain", "email", "--revision", "1").err
    assert notify("route", "explain", "email", "--json").err == ""
    del routed


def test_a_channel_that_is_none_is_usage(notify: CommandLine) -> None:
    assert notify("route", "explain", "fax").code == 2
