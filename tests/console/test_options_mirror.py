"""`notify options mirror`: what a secondary server is while it is the same as its primary."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings_store.catalog import OPTIONS
from settings_store.keyring import load
from settings_store.kinds import MASK
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine


@pytest.mark.parametrize("channel, title, size", [("email", "Email", 11), ("sms", "SMS", 9)])
def test_on_shows_what_the_secondary_now_is_and_what_comes_back(
    notify: CommandLine, store: SettingsStore, channel: str, title: str, size: int
) -> None:
    primary, secondary = f"primary_{channel}", f"secondary_{channel}"
    store.change({f"{primary}.server_name": "mail", f"{secondary}.server_port": 2525}, author="a")
    done = notify("options", "mirror", channel, "on", "--reason", "x")
    assert done.code == 0
    first, head, *rows = done.out.splitlines()
    assert (
        first
        == f"Secondary {title} is the same as Primary {title} in every option (mirror.{channel} is True)"
    )
    assert head.split() == ["OPTION", "NOW", "AGAIN", "WHEN", "OFF"]
    assert [row.split() for row in rows[:2]] == [["server_name", "mail", '""'], ["server_port", "25", "2525"]]
    assert rows[size:] == [f"mirror.{channel}  False → True", "saved as revision 2"]
    off = notify("options", "mirror", channel, "off", "--reason", "x")
    assert off.out.startswith(f"Secondary {title} is what its own options say (mirror.{channel} is False)\n")
    assert "server_port" in off.out
    assert store.snapshot().get(f"{secondary}.server_port") == 2525


def test_show_is_the_default_needs_no_reason_and_changes_nothing(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"mirror.sms": True, "primary_sms.server_name": "sms"}, author="a")
    for words in (("sms",), ("sms", "show")):
        done = notify("options", "mirror", *words, "--json")
        assert done.code == 0
        assert {key: done.json[key] for key in ("revision", "on", "primary", "secondary")} == {
            "revision": 1,
            "on": True,
            "primary": "primary_sms",
            "secondary": "secondary_sms",
        }
        assert done.json["options"]["secondary_sms.server_name"] == {"value": "sms", "own": ""}
        assert list(done.json["options"]) == [key for key in OPTIONS if key.startswith("secondary_sms.")]
    assert store.snapshot().revision == 1


def test_clearing_the_primary_clears_the_secondary_secrets_included(
    notify: CommandLine, store: SettingsStore, key_file: Path
) -> None:
    with_keys = SettingsStore(store._redis, keyring=load([key_file]))
    with_keys.change({"primary_email.client_secret": "p", "secondary_email.client_secret": "s"}, author="a")
    notify("options", "mirror", "email", "on", "--reason", "x")
    key = "secondary_email.client_secret"
    assert with_keys.snapshot().secret(key)() == "p"
    assert notify("options", "mirror", "email", "--json").json["options"][key] == {"value": MASK, "own": MASK}
    notify("options", "set", "primary_email.client_secret=", "--reason", "x")
    assert with_keys.snapshot().secret(key)() == ""
    assert notify("options", "mirror", "email", "--json").json["options"][key] == {"value": "", "own": MASK}
    row = next(
        line for line in notify("options", "mirror", "email").out.splitlines() if "client_secret" in line
    )
    assert row.split() == ["client_secret", "not", "set", MASK]
    notify("options", "mirror", "email", "off", "--reason", "x")
    assert with_keys.snapshot().secret(key)() == "s"


def test_a_dry_run_shows_what_it_would_be_and_saves_nothing(
    notify: CommandLine, store: SettingsStore
) -> None:
    store.change({"primary_email.server_name": "mail"}, author="a")
    done = notify("options", "mirror", "email", "on", "--dry-run", "--json")
    assert done.json["on"] is True
    assert done.json["saved"] is False
    assert done.json["options"]["secondary_email.server_name"] == {"value": "mail", "own": ""}
    assert store.snapshot().revision == 1


def test_on_twice_is_one_revision(notify: CommandLine, store: SettingsStore) -> None:
    notify("options", "mirror", "email", "on", "--reason", "x")
    again = notify("options", "mirror", "email", "on", "--reason", "x")
    assert again.code == 0
    assert "nothing differs, revision 1 holds" in again.err
    assert store.snapshot().revision == 1


@pytest.mark.parametrize("words", [("fax",), ("email", "yes"), ()])
def test_other_channels_and_actions_are_bad_input(notify: CommandLine, words: tuple[str, ...]) -> None:
    done = notify("options", "mirror", *words)
    assert done.code == 2
    assert done.error
