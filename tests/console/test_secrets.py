"""Secrets come by prompt, pipe or file, never by argument, and never come back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settings_store.keyring import load
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine

SECRET = "pa55 wörd-of-the-client"
CLIENT_SECRET = "primary_email.client_secret"
PASSWORD = "primary_email.authentication_password"
ENCRYPTED_ONLY = [
    "general.unc_password",
    *(f"{group}.authentication_password" for group in ("primary_email", "secondary_email")),
    *(f"{group}.authentication_password" for group in ("primary_sms", "secondary_sms")),
]


def opened(store: SettingsStore, key_file: Path, option: str) -> str:
    """The secret as a worker would see it."""
    with_keys = SettingsStore(store._redis, keyring=load([key_file]))
    return with_keys.snapshot().secret(option)()


@pytest.mark.parametrize("option", [CLIENT_SECRET, *ENCRYPTED_ONLY])
@pytest.mark.usefixtures("key_file")
def test_a_secret_in_clear_as_an_argument_is_refused_with_the_way_to_give_it(
    notify: CommandLine, store: SettingsStore, option: str
) -> None:
    done = notify("options", "set", f"{option}={SECRET}", "--reason", "x")
    assert done.code == 2
    assert done.error.startswith(f"{option}: a secret is never an argument")
    assert ("notify encrypt" in done.hint) == (option in ENCRYPTED_ONLY)
    assert SECRET not in done.out + done.err
    assert store.snapshot().revision == 0


@pytest.mark.parametrize("stdin", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n"])
def test_a_client_secret_is_read_from_a_pipe(
    notify: CommandLine, store: SettingsStore, key_file: Path, stdin: str
) -> None:
    done = notify("options", "set", f"{CLIENT_SECRET}=-", "--reason", "x", stdin=stdin.encode())
    assert done.code == 0
    assert done.out.splitlines()[0] == f"{CLIENT_SECRET}  not set → ********"
    assert SECRET not in done.out + done.err
    assert opened(store, key_file, CLIENT_SECRET) == SECRET


def test_a_client_secret_is_read_from_a_file(
    notify: CommandLine, store: SettingsStore, key_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert notify("options", "set", f"{CLIENT_SECRET}=@{file}", "--reason", "x").code == 0
    assert opened(store, key_file, CLIENT_SECRET) == SECRET


def test_a_dash_or_an_at_sign_is_a_plain_value_for_other_options(
    notify: CommandLine, store: SettingsStore
) -> None:
    done = notify("options", "set", "text.delimiter=@", "primary_email.server_name=-", "--reason", "x")
    assert done.code == 0
    assert store.snapshot().get("text.delimiter") == "@"
    assert store.snapshot().get("primary_email.server_name") == "-"


@pytest.mark.usefixtures("key_file")
def test_only_one_secret_comes_from_a_pipe(notify: CommandLine) -> None:
    two = (f"{CLIENT_SECRET}=-", "primary_sms.client_secret=-")
    done = notify("options", "set", *two, "--reason", "x", stdin=b"abc")
    assert (done.code, done.hint) == (2, "primary_sms.client_secret=@FILE")


@pytest.mark.parametrize(
    "stdin, fault",
    [
        (b"", "stdin: is empty"),
        (b"\n", "stdin: is empty"),
        (b"\xff\xfe\x00s3cr3t", "stdin: is not text in UTF-8"),
        (b"s3cr3t" * 20_000, "stdin: is too long for a secret"),
        (b"s3cr3t\nof two lines", f"{CLIENT_SECRET}: has a control character"),
        (b"********", f"{CLIENT_SECRET}: is the mask that stands for a secret"),
    ],
)
@pytest.mark.usefixtures("key_file")
def test_a_pipe_that_holds_no_secret_is_refused(
    notify: CommandLine, store: SettingsStore, stdin: bytes, fault: str
) -> None:
    done = notify("options", "set", f"{CLIENT_SECRET}=-", "--reason", "x", stdin=stdin)
    assert done.code == 2
    assert done.error.startswith(fault)
    assert "s3cr3t" not in done.out + done.err
    assert store.snapshot().revision == 0


@pytest.mark.parametrize("name", ["missing", "."])
@pytest.mark.usefixtures("key_file")
def test_a_secret_file_that_cannot_be_read_is_bad_input(
    notify: CommandLine, tmp_path: Path, name: str
) -> None:
    done = notify("options", "set", f"{CLIENT_SECRET}=@{tmp_path / name}", "--reason", "x")
    assert done.code == 2
    assert str(tmp_path) in done.error


def test_what_encrypt_printed_may_be_an_argument(
    notify: CommandLine, store: SettingsStore, key_file: Path
) -> None:
    sealed = notify("encrypt", stdin=f"{SECRET}\n".encode())
    assert (sealed.code, sealed.err) == (0, "")
    assert sealed.out.startswith("enc:v1:")
    done = notify("options", "set", f"{PASSWORD}={sealed.out.strip()}", "--reason", "x")
    assert done.code == 0
    assert sealed.out.strip() not in done.out + done.err
    assert opened(store, key_file, PASSWORD) == SECRET


@pytest.mark.usefixtures("key_file")
def test_encrypt_prints_json(notify: CommandLine) -> None:
    assert list(notify("encrypt", "--json", stdin=b"x").json) == ["encrypted"]


def test_encrypt_refuses_a_secret_as_an_argument_and_does_not_repeat_it(notify: CommandLine) -> None:
    done = notify("encrypt", "hunter2", stdin=b"x")
    assert done.code == 2
    assert "hunter2" not in done.out + done.err


@pytest.mark.usefixtures("key_file")
def test_encrypt_asks_twice_at_a_terminal_and_shows_nothing_that_is_typed(notify: CommandLine) -> None:
    done = notify.terminal("encrypt", typed=b"hunter2\n")
    assert done.code == 0
    assert "hunter2" not in done.out
    assert "enc:v1:" in done.out
    assert done.out.count(": ") == 2


def test_a_cleared_secret_needs_no_keys_and_a_set_one_does(
    notify: CommandLine, store: SettingsStore, key_file: Path
) -> None:
    notify("options", "set", f"{CLIENT_SECRET}=-", "--reason", "x", stdin=b"abc")
    key_file.unlink()
    done = notify("options", "set", f"{CLIENT_SECRET}=-", "--reason", "x", stdin=b"abd")
    assert done.code == 1
    assert done.error == f"{key_file}: cannot be read: No such file or directory"
    assert notify("options", "get", CLIENT_SECRET).out == "********\n"
    assert notify("options", "set", f"{CLIENT_SECRET}=", "--reason", "x").code == 0
    assert not store.snapshot().is_set(CLIENT_SECRET)


def test_without_a_key_ring_the_next_command_is_named(notify: CommandLine) -> None:
    done = notify("options", "set", f"{CLIENT_SECRET}=-", "--reason", "x", stdin=b"abc")
    assert done.code == 1
    assert done.hint == "`notify keys generate FILE`, then name FILE in NOTIFY_KEY_FILE"


def test_keys_generate_writes_a_file_that_nobody_else_reads_and_never_overwrites(
    notify: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "ring.json"
    done = notify("keys", "generate", str(file))
    assert (done.code, done.out) == (0, f"{file}\n")
    assert f"NOTIFY_KEY_FILE={file}" in done.err
    assert file.stat().st_mode & 0o777 == 0o600
    for key in json.loads(file.read_text())["keys"].values():
        assert key not in done.out + done.err
    before = file.read_bytes()
    assert notify("keys", "generate", str(file)).code == 1
    assert file.read_bytes() == before


def test_an_open_key_file_is_refused_with_the_command_that_closes_it(
    notify: CommandLine, key_file: Path
) -> None:
    key_file.chmod(0o644)
    done = notify("encrypt", stdin=b"x")
    assert (done.code, done.hint) == (1, f"`chmod 600 {key_file}`")
