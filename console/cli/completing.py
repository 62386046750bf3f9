"""What a shell offers where an option, a value or a chain of servers is typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import click
from click.shell_completion import CompletionItem

from settings_store.catalog import ALL_OPTIONS, EVERYTHING, GROUPS
from settings_store.kinds import Boolean, Choice


def option_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Options, groups, and `all`."""
    labels = {key: option.label for key, option in ALL_OPTIONS.items()}
    every = {**labels, **{group: f"all of {title}" for group, title in GROUPS.items()}}
    return [
        CompletionItem(name, help=text)
        for name, text in {**every, EVERYTHING: "every option"}.items()
        if name.startswith(incomplete)
    ]


def assignments(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem] | list[str]:
    """`KEY=`, and behind it the values of an option that has few."""
    before = [str(word) for word in ctx.params.get(parameter.name or "") or ()]
    # bash takes `key=value` for three words and asks about the last; of a lone `=` click shows us nothing.
    if before[-1:] == ["="]:
        return _values(before[-2], incomplete) if len(before) > 1 else []
    if before and before[-1] in ALL_OPTIONS:
        return _values(before[-1], incomplete)
    key, equals, typed = incomplete.partition("=")
    if equals:
        return [f"{key}={value}" for value in _values(key, typed)]
    return [
        CompletionItem(f"{name}=", help=option.label)
        for name, option in ALL_OPTIONS.items()
        if name.startswith(incomplete)
    ]


def chain(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Servers with commas between them, each once."""
    # Imported where it is used: whoever only reads an option would wait for all of `tasks`.
    from tasks.server import ServerName  # noqa: PLC0415

    head, comma, last = incomplete.rpartition(",")
    left = [name for name in get_args(ServerName) if name not in head.split(",")]
    return [f"{head}{comma}{name}" for name in left if name.startswith(last)]


def _values(key: str, typed: str) -> list[str]:
    option = ALL_OPTIONS.get(key)
    choices: Iterable[object] = ()
    if option is not None and isinstance(option.kind, Boolean):
        choices = (True, False)
    elif option is not None and isinstance(option.kind, Choice):
        choices = option.kind.choices
    return [str(choice) for choice in choices if str(choice).lower().startswith(typed.lower())]
