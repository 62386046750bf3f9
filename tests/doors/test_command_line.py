"""Any words after any `notify` command: an exit code of the contract, one error line, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.main import root
from tests.rigs.command_line import CommandLine
from tests.rigs.examples import examples
from tests.rigs.odd_values import odd_texts, typed_words

#: `console` serves and `message watch` follows: they end when somebody ends them.
STAYS = {("console",), ("message", "watch")}
#: How long a person is made to wait is not what is tried here.
WAITS = {"--wait", "--timeout", "--seconds"}
SHORT = st.sampled_from(["0", "-1", "0.01", "x", "nan", "inf", "1e999", "", "²"])


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = [each for each in commands(root) if each[0] not in STAYS]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command, some of its flags with or without sense, and words where it takes words."""
    path, command = draw(st.sampled_from(COMMANDS))
    words = list(path)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            if draw(st.integers(0, 9)) < (8 if parameter.required else 3):
                words += draw(_flag(parameter))
        elif path == ("exec",):
            words += ["--", "true"]
        else:
            words += draw(st.lists(typed_words, max_size=2))
    if path != ("exec",) and draw(st.booleans()):
        words.append(draw(typed_words))
    return words


def _flag(option: click.Option) -> st.SearchStrategy[list[str]]:
    """The flag by one of its names, with what it takes, or with something else."""
    names = st.sampled_from([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names.map(lambda name: [name])
    value = SHORT if WAITS.intersection(option.opts) else typed_words
    if isinstance(option.type, click.Choice):
        value = value | st.sampled_from(list(option.type.choices))
    return st.tuples(names, value).map(list)


@pytest.mark.timeout(3_600)
def test_whatever_is_typed_ends_with_a_code_and_one_error_line(notify: CommandLine) -> None:
    @examples(100)
    @given(words=command_lines(), stdin=odd_texts)
    def try_line(words: list[str], stdin: str) -> None:
        done = notify(*words, stdin=stdin.encode("utf-8", "surrogatepass"))
        assert done.code in range(6), done
        assert "Traceback" not in done.out + done.err
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(errors) <= (done.code != 0), done
        assert errors or done.code in {0, 1, 3}, done

    try_line()


@pytest.mark.parametrize(
    "words", [["message", "show", "\udcff"], ["send", "email", "--to", "a\udc80@b", "--message", "m"]]
)
def test_bytes_that_are_no_text_end_no_process_badly(notify: CommandLine, words: list[str]) -> None:
    done = notify.process(*words)
    assert done.code in {2, 3}, done
    assert done.error
