"""Completion: asked as the shells ask, and in a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings_store.catalog import ALL_OPTIONS
from tests.rigs.command_line import PROJECT, CommandLine
from tests.rigs.processes import require_program

SCRIPT = """
source completion.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { printf '%s ' compopt "$@"; echo; }
_notify_completion notify
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(notify: CommandLine, *words: str) -> list[str]:
    """What click offers for the last of these words, as bash asks it."""
    asked = {
        "_NOTIFY_COMPLETE": "bash_complete",
        "COMP_WORDS": "\n".join(["notify", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = notify.process(env=asked)
    assert done.code == 0, done.err
    return [line.partition(",")[2] for line in done.out.splitlines() if line]


@pytest.mark.parametrize(
    "words, expected",
    [
        (("ser",), ["server"]),
        (("server", ""), ["list", "pause", "resume", "test"]),
        (("server", "test", "prim"), ["primary_email", "primary_sms"]),
        (("server", "test", "ch"), ["chain"]),
        (("server", "pause", "secondary_e"), ["secondary_email"]),
        (("server", "test", "chain", "--set", "primary_sms.server_p"), ["primary_sms.server_port="]),
        (("message", "list", "--state", "ex"), ["expired"]),
        (("options", "get", "tls.ca_b"), ["tls.ca_bundle"]),
        (("options", "reset", "primary_s"), None),
        (("options", "set", "text.lab"), ["text.labels="]),
        (("options", "set", "text.labels=T"), ["text.labels=True"]),
        (("options", "set", "text.labels", "=", "f"), ["False"]),
        (("options", "set", "text.labels", "="), ["True", "False"]),
        (("options", "set", "text.labels=True", "mirror.s"), ["mirror.sms="]),
        (("options", "set", "text.history_days="), []),
        (("options", "set", "no.such_option="), []),
        (("route", "explain", "t"), ["text"]),
        (("route", "explain", "email", "--expect", "primary_email,sec"), None),
        (("completion", "z"), ["zsh"]),
    ],
)
def test_what_a_shell_offers(notify: CommandLine, words: tuple[str, ...], expected: list[str] | None) -> None:
    found = offered(notify, *words)
    if expected is not None:
        assert found == expected
    elif words[0] == "route":
        assert found == ["primary_email,secondary_email", "primary_email,secondary_sms"]
    else:
        assert "primary_sms" in found
        assert set(found) - {"primary_sms"} <= {key for key in ALL_OPTIONS if key.startswith("primary_s")}


def test_commands_are_offered_without_importing_each(notify: CommandLine) -> None:
    assert {"doctor", "server", "completion"} <= set(offered(notify, ""))
    asked = {"_NOTIFY_COMPLETE": "bash_complete", "COMP_WORDS": "notify\n", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "console.cli.main"],
        cwd=PROJECT,
        env={**notify.env, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "console.cli.lazy_group" in done.stderr
    assert "console.cli.doctor" not in done.stderr
    assert "console.cli.send" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_this_command(notify: CommandLine, shell: str) -> None:
    done = notify("completion", shell)
    assert done.code == 0
    assert f"_NOTIFY_COMPLETE={shell}_complete" in done.out


def test_another_shell_is_usage(notify: CommandLine) -> None:
    assert notify("completion", "csh").code == 2


@pytest.mark.parametrize(
    "words, expected",
    [
        (("notify", "server", "res"), "resume"),
        (("notify", "options", "set", "text.lab"), "compopt -o nospace \ntext.labels="),
        (("notify", "options", "set", "text.labels", "=", "Tr"), "True"),
    ],
)
def test_a_real_bash_completes(
    notify: CommandLine, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    bash = require_program("bash")
    (tmp_path / "completion.bash").write_text(notify("completion", "bash").out)
    program = tmp_path / "notify"
    program.write_text(f'#!/bin/sh\ncd {PROJECT} && exec {sys.executable} -m console.cli.main "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [bash, "-c", SCRIPT, "bash", *words],
        cwd=tmp_path,
        env={**notify.env, "PATH": f"{tmp_path}{os.pathsep}{os.defpath}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == expected, done.stderr
