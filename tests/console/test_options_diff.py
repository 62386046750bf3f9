"""`notify options diff`: two revisions side by side."""

from __future__ import annotations

from pathlib import Path

from settings_store.keyring import load
from settings_store.kinds import MASK
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine

PORT = "primary_email.server_port"
HOST = "primary_email.server_name"
SECRET = "primary_email.client_secret"
OTHER_SECRET = "primary_sms.client_secret"


def test_two_revisions_or_one_and_now(notify: CommandLine, store: SettingsStore) -> None:
    store.change({PORT: 587}, author="a")
    store.change({PORT: 465, HOST: "mail"}, author="a")
    store.change({HOST: ""}, author="a")
    done = notify("options", "diff", "1", "2")
    assert done.code == 0
    assert done.out.splitlines() == [f'{HOST}  "" → mail', f"{PORT}  587 → 465"]
    assert done.err == "from revision 1 to 2\n"
    now = notify("options", "diff", "1")
    assert (now.out, now.err) == (f"{PORT}  587 → 465\n", "from revision 1 to 3 (now)\n")
    back = notify("options", "diff", "2", "1", "--json").json
    assert (back["from"], back["to"]) == (2, 1)
    assert back["changes"] == {HOST: {"before": "mail", "after": ""}, PORT: {"before": 465, "after": 587}}


def test_of_secrets_it_tells_changed_or_unchanged_and_nothing_else(
    notify: CommandLine, store: SettingsStore, key_file: Path
) -> None:
    with_keys = SettingsStore(store._redis, keyring=load([key_file]))
    with_keys.change({SECRET: "one", OTHER_SECRET: "stays"}, author="a")
    with_keys.change({SECRET: "two"}, author="a")
    with_keys.change({SECRET: ""}, author="a")
    assert notify("options", "diff", "1", "2").out.splitlines() == [
        f"{SECRET}  {MASK} → {MASK} (changed)",
        f"{OTHER_SECRET}  {MASK} (unchanged)",
    ]
    assert notify("options", "diff", "2", "3").out.splitlines()[0] == f"{SECRET}  {MASK} → not set"
    assert notify("options", "diff", "0", "1", "--json").json == {
        "from": 0,
        "to": 1,
        "changes": {key: {"before": "", "after": MASK} for key in (SECRET, OTHER_SECRET)},
        "unchanged_secrets": [],
    }
    assert notify("options", "diff", "1", "2", "--json").json["unchanged_secrets"] == [OTHER_SECRET]


def test_a_revision_with_itself_differs_in_nothing(notify: CommandLine, store: SettingsStore) -> None:
    store.change({PORT: 587}, author="a")
    done = notify("options", "diff", "1", "1")
    assert (done.code, done.out) == (0, "")
    assert "nothing differs" in done.err


def test_a_revision_that_never_was_is_bad_input(notify: CommandLine) -> None:
    for words in (("0", "1"), ("1",), ("1", "0")):
        done = notify("options", "diff", *words)
        assert done.code == 2
        assert done.error.startswith("revision 1: the history does not reach it")


def test_what_only_another_version_knows_is_masked(notify: CommandLine, store: SettingsStore) -> None:
    store._redis.hset("notify:settings", mapping={"revision": 0, "values": '{"later.option": "x-value"}'})
    store.change({PORT: 587}, author="a")
    row = store._redis.lindex("notify:settings:history", 0)
    told = str(row).replace(
        '{"primary_email.server_port"', '{"later.option": ["", "x-value"], "primary_email.server_port"'
    )
    store._redis.lset("notify:settings:history", 0, told)
    done = notify("options", "diff", "0")
    assert done.code == 0
    assert done.out.splitlines() == [f"{PORT}  25 → 587", f"later.option               not set → {MASK}"]
