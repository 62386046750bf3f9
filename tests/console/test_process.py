"""`notify` as a process among others: pipes, terminals, what it imports, and its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from settings_store.store import SettingsStore
from tests.rigs.command_line import PROJECT, CommandLine
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger

IMPORTS = "import sys; from console.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"


def imported_by(notify: CommandLine, *words: str) -> set[str]:
    """The top-level packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *words],
        cwd=PROJECT,
        env=notify.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.decode().splitlines()[-1].split()}


@pytest.mark.parametrize(
    "words, never",
    [
        (("--version",), {"celery", "kombu", "msal", "cryptography", "redis", "msgspec"}),
        (("--help",), {"celery", "kombu", "msal", "cryptography", "redis", "msgspec"}),
        (
            ("options", "get", "text.labels"),
            {"celery", "kombu", "msal", "msgspec", "tasks"},
        ),
        (("message", "list"), {"celery", "kombu", "msal"}),
        (("route", "explain", "email"), {"celery", "kombu", "msal"}),
        (("send", "email", "--to", "a@b", "--message", "x"), {"celery", "msal"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_imports_only_what_it_needs(
    notify: CommandLine, words: tuple[str, ...], never: set[str]
) -> None:
    imported = imported_by(notify, *words)
    assert "click" in imported
    assert not imported & never


def test_a_command_that_ends_does_not_look_through_its_memory(notify: CommandLine) -> None:
    told = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000)); "
    done = subprocess.run(
        [sys.executable, "-c", told + IMPORTS, "--version"],
        cwd=PROJECT,
        env=notify.env,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().splitlines()[-1] == "True"


def test_the_entry_point_is_this_command(notify: CommandLine) -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert declared["scripts"] == {"notify": "console.cli.main:main"}
    assert notify.process("--version").out == f"notify {declared['version']}\n"


def test_a_reader_that_left_ends_it_in_silence(notify: CommandLine) -> None:
    for words in (("options", "list"), ("schema",), ("--help",), ("options", "list", "--json")):
        read, write = os.pipe()
        os.close(read)
        with notify.start(*words, stdout=write) as process:
            os.close(write)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 141, words
        assert not err or words == ("options", "list")
        assert b"Error" not in err


def test_a_full_disk_is_told(notify: CommandLine) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        notify.start("options", "list", stdout=full.fileno()) as process,
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith(b"error: ")
    assert b"No space left on device" in err
    assert b"Traceback" not in err


def test_closed_streams_are_no_defect(notify: CommandLine) -> None:
    command = f'exec "{sys.executable}" -m console.cli.main'
    for words, streams, code in (
        ("options list", ">&- 2>&-", 0),
        ("send email --to a@b", "<&- 2>&-", 2),
        ("send email --to a@b --message x", "<&- >&- 2>&-", 0),
    ):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {words} {streams}"], cwd=PROJECT, env=notify.env, check=False
        )
        assert done.returncode == code, words


def test_a_stream_that_knows_ascii_alone_gets_plain_marks_and_valid_json(
    notify: CommandLine, told: ToldLedger, store: SettingsStore
) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    store.change({"primary_email.notification_address": "bücher@example.com"}, author="a")
    told.accept(email(id="n", subject="Grüße"))
    told.finish(told.claim("n"), {0: "d"}, [told.entry("primary_email", "delivered")])
    shown = notify.process("message", "show", "n", env=env)
    assert shown.code == 0
    assert "  + delivered  ops@example.com" in shown.out
    assert "Gr\\xfc\\xdfe" in shown.out
    value = notify.process("options", "get", "primary_email.notification_address", "--json", env=env).json
    assert value == {"primary_email.notification_address": "bücher@example.com"}


def test_colour_is_for_terminals_without_no_color(notify: CommandLine, told: ToldLedger) -> None:
    told.accept(email(id="n"))
    words = ("message", "show", "n")
    assert "\x1b[" in notify.terminal(*words).out
    assert "\x1b[" not in notify.terminal(*words, env={"NO_COLOR": "1"}).out
    assert "\x1b[" not in notify.terminal(*words, env={"TERM": "dumb"}).out
    assert "\x1b[" not in notify.process(*words).out


def test_warnings_and_errors_are_broken_between_words_on_a_terminal_and_one_line_in_a_pipe(
    notify: CommandLine,
) -> None:
    wrong = ("options", "set", "mirror.email=perhaps", "audit.days=0", "--dry-run")
    odd = ("options", "set", "primary_email.enable_ssl=True", "--dry-run")
    for words, mark in ((wrong, "  "), (odd, "warning: ")):
        piped = notify.process(*words).err
        (told,) = (line for line in piped.splitlines() if line.startswith(mark) and len(line) > 80)
        shown = notify.terminal(*words, env={"NO_COLOR": "1"}).out.splitlines()
        lines = [line for line in shown if not line.startswith("hint: ")]
        assert max(map(len, lines)) <= 80
        assert " ".join(told.split()) in " ".join(" ".join(lines).split())


def test_json_is_indented_for_a_person_and_one_line_for_a_program(notify: CommandLine) -> None:
    words = ("options", "get", "text.labels", "--json")
    assert notify.terminal(*words).out == '{\n  "text.labels": true\n}\n'
    assert notify.process(*words).out == '{"text.labels": true}\n'


def test_every_help_fits_80_columns(notify: CommandLine) -> None:
    for words in (
        (),
        ("options",), ("options", "set"), ("options", "list"), ("options", "get"), ("options", "rollback"),
        ("options", "diff"), ("options", "mirror"), ("options", "export"), ("options", "import"),
        ("send",), ("send", "email"), ("send", "text"),
        ("message",), ("message", "show"), ("message", "list"), ("message", "cancel"),
        ("route", "explain"), ("encrypt",), ("keys", "generate"), ("schema",),
    ):  # fmt: skip
        done = notify(*words, "--help")
        assert done.code == 0
        assert done.err == ""
        assert max(map(len, done.out.splitlines())) <= 80, words


def test_the_schema_is_json(notify: CommandLine) -> None:
    assert notify("schema").json["title"] == "Notification v1"
    assert notify("schema", "--json").json == notify("schema").json
