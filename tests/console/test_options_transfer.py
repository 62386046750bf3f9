"""`notify options export` and `import`: one revision, a diff before it, and nothing lost in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settings_store.audit import Audit
from settings_store.catalog import ALL_OPTIONS
from settings_store.keyring import load
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine

PORT = "primary_email.server_port"
HOST = "primary_email.server_name"
SECRET = "primary_email.client_secret"
PLANTED = "Pl4nted-Geheimnis"

OPCON = f"""\
Option Parameter,Value
SMTP Server Name (Primary Email),mail.example.com
SMTP Server Port (Primary Email),0
SMTP Client Secret (Primary Email),{PLANTED}
Trace Level,None
"""


@pytest.fixture
def opcon_file(tmp_path: Path) -> str:
    path = tmp_path / "opcon.csv"
    path.write_text(OPCON, encoding="utf-8")
    return str(path)


def test_an_export_goes_back_in_and_names_the_secrets_to_enter_anew(
    notify: CommandLine, store: SettingsStore, key_file: Path, tmp_path: Path
) -> None:
    with_keys = SettingsStore(store._redis, keyring=load([key_file]))
    with_keys.change({SECRET: PLANTED, PORT: 587, "mirror.email": True}, author="a")
    done = notify("options", "export")
    assert done.code == 0
    assert done.json["values"][PORT] == 587
    assert done.json["secrets_set"] == [SECRET]
    assert PLANTED not in done.out
    assert done.err == f"not in it, as it is secret: {SECRET}\n"
    assert notify("options", "export", "--json").out == done.out
    file = tmp_path / "export.json"
    file.write_text(done.out, encoding="utf-8")
    assert "nothing differs, revision 1 holds" in notify("options", "import", str(file), "--reason", "x").err
    store.reset(["all"], author="a")
    back = notify(
        "options", "import", "-", "--reason", "moved", stdin=done.out.encode(), env={"NOTIFY_KEY_FILE": ""}
    )
    assert back.code == 0
    assert back.out.splitlines() == [
        f"{PORT}  25 → 587",
        "mirror.email               False → True",
        "saved as revision 3",
    ]
    assert f"warning: {SECRET}: was set there and is not here; enter it anew" in back.err
    assert store.history(1)[0].reason == "moved"


def test_values_out_of_opcon_are_one_revision_and_every_doubt_is_told(
    notify: CommandLine, store: SettingsStore, opcon_file: str
) -> None:
    dry = notify("options", "import", opcon_file, "--dry-run")
    assert dry.code == 0
    assert dry.out == f'{HOST}  "" → mail.example.com\n'
    assert store.snapshot().revision == 0
    done = notify("options", "import", opcon_file, "--reason", "from OpCon")
    assert done.out == f"{dry.out}saved as revision 1\n"
    for told in (
        f"warning: {PORT}: is outside of what is allowed here",
        "; older pages allowed 0 to 9999; it is left as it is",
        f"warning: {SECRET}: what OpCon encrypted opens nowhere else",
        "warning: 1 name is no option of ours, and left out:\n  Trace Level\n",
    ):
        assert told in done.err
        assert told in dry.err
    assert PLANTED not in done.err + done.out + dry.err
    assert dict(store.snapshot().stored) == {HOST: "mail.example.com"}
    (row,) = Audit(store._redis).rows()
    assert row.action == "options.import"


def test_json_tells_change_and_notes(notify: CommandLine, opcon_file: str) -> None:
    told = notify("options", "import", opcon_file, "--dry-run", "--json").json
    assert (told["source"], told["saved"], told["revision"]) == ("pairs", False, 0)
    assert told["changes"] == {HOST: {"before": "", "after": "mail.example.com"}}
    assert [(note["name"], note["topic"]) for note in told["notes"]] == [
        (PORT, "range"),
        (SECRET, "secret"),
        ("Trace Level", "unknown"),
    ]


def test_one_bad_value_saves_nothing_and_names_option_fault_and_limits(
    notify: CommandLine, store: SettingsStore
) -> None:
    content = json.dumps({HOST: "mail", PORT: PLANTED, "primary_email.tenant_id": PLANTED}).encode()
    done = notify("options", "import", "-", "--reason", "x", stdin=content)
    assert done.code == 2
    assert done.error == "nothing was saved: 2 faults"
    assert f"{PORT}: is not a whole number; allowed: integer 1\N{EN DASH}65535" in done.err
    assert "primary_email.tenant_id: is not a GUID" in done.err
    assert PLANTED not in done.err + done.out
    assert store.snapshot().revision == 0


def test_warnings_of_what_is_wrong_together_come_with_it(notify: CommandLine) -> None:
    content = json.dumps({HOST: "mail:25", "primary_email.server_port": 465}).encode()
    done = notify("options", "import", "-", "--dry-run", stdin=content)
    assert "warning: Primary Email: the server name has a port in it" in done.err
    assert "warning: Primary Email: port 465 speaks TLS from the first byte" in done.err


def test_a_sealed_secret_in_the_file_is_opened_for_its_option(
    notify: CommandLine, store: SettingsStore, key_file: Path
) -> None:
    with_keys = SettingsStore(store._redis, keyring=load([key_file]))
    content = json.dumps({SECRET: with_keys.cipher.seal_for_pasting(PLANTED)}).encode()
    assert notify("options", "import", "-", "--reason", "x", stdin=content).code == 0
    assert with_keys.snapshot().secret(SECRET)() == PLANTED


def test_the_second_of_two_is_told_who_was_faster(
    notify: CommandLine, store: SettingsStore, opcon_file: str
) -> None:
    store.change({"text.labels": False}, author="ann", reason="hers")
    for dry in ((), ("--dry-run",)):
        words = ("import", opcon_file, "--reason", "x", "--expect-revision", "0", *dry)
        done = notify("options", *words)
        assert done.code == 1
        assert "revision 1: ann at" in done.err
    assert store.snapshot().revision == 1


@pytest.mark.parametrize(
    "content, code, told",
    [
        (b"", 2, "the file of options: it is empty"),
        (b'{"a": }', 2, "the file of options: the JSON in it is broken at line 1, column 7"),
        (PLANTED.encode() + b",x\n", 3, "stdin: names no option"),
        (b'{"a": 1}', 3, "stdin: names no option"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    notify: CommandLine, store: SettingsStore, content: bytes, code: int, told: str
) -> None:
    done = notify("options", "import", "-", "--reason", "x", stdin=content)
    assert (done.code, done.error) == (code, told)
    assert PLANTED not in done.err
    assert store.snapshot().revision == 0


@pytest.mark.parametrize("name", ["/nowhere/at/all", "/", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_bad_input(notify: CommandLine, name: str) -> None:
    done = notify("options", "import", name, "--dry-run")
    assert done.code == 2
    assert done.hint.startswith("name a file that you may read")


def test_an_import_needs_a_reason(notify: CommandLine, opcon_file: str) -> None:
    done = notify("options", "import", opcon_file)
    assert done.code == 2
    assert "--reason" in done.error


def test_an_export_of_nothing_set_is_every_default(notify: CommandLine) -> None:
    done = notify("options", "export")
    assert done.err == ""
    assert done.json["values"] == {
        key: option.default for key, option in ALL_OPTIONS.items() if not option.secret
    }
