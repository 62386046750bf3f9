"""What holds for each command there is, also for those that are added later."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from console.cli.main import root
from tests.rigs.command_line import CommandLine

#: What these print is for a program in any case; `audit export` has --format. `exec` prints what its job
#: does, `console` serves.
WITHOUT_JSON = {"completion", "audit export", "exec", "console"}
COLUMNS = 80


def leaves(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of every command that does something."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield (*path, name)


COMMANDS = list(leaves(root))


def test_there_are_as_many_commands_as_one_would_think() -> None:
    assert len(COMMANDS) >= 25


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_80_columns_and_data_comes_as_json_too(notify: CommandLine, path: tuple[str, ...]) -> None:
    done = notify(*path, "--help", env={"COLUMNS": str(COLUMNS)})
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= COLUMNS, done.out
    assert "\x1b[" not in done.out
    assert ("--json" in done.out) is (" ".join(path) not in WITHOUT_JSON), path
