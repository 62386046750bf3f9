"""What the pages show is true: documents are accepted, commands and targets exist, links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from console.cli.main import root
from settings_store import environment
from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.own_options import OWN_GROUPS
from tasks import notification
from tasks.entries import checked
from tests.rigs.pages import (
    PAGES,
    PROJECT,
    TEMPLATES,
    Block,
    Typed,
    anchors,
    blocks,
    code_in_sentences,
    links,
    typed,
    typed_in_template,
)
from workers import metrics_address

JSON_BLOCKS = [block for page in PAGES for block in blocks(page, "json")]
PYTHON_BLOCKS = [block for page in PAGES for block in blocks(page, "python")]
COMMANDS = [command for page in PAGES for command in typed(page)]
COMMANDS += [command for template in TEMPLATES for command in typed_in_template(template)]
NOTIFY = [command for command in COMMANDS if command.program == "notify"]
MAKE = [command for command in COMMANDS if command.program == "make"]
OPTION = re.compile(rf"({'|'.join({*GROUPS, *OWN_GROUPS})})\.[a-z_]+")


def test_the_pages_hold_examples_of_each_kind() -> None:
    assert len(JSON_BLOCKS) >= 4
    assert len(PYTHON_BLOCKS) >= 3
    assert len([command for command in NOTIFY if command.whole]) >= 12
    assert len([command for command in NOTIFY if not command.whole]) >= 12
    assert {"up", "test", "check", "stop-primary"} <= {word for command in MAKE for word in command.words}


@pytest.mark.parametrize("block", JSON_BLOCKS, ids=str)
def test_a_json_block_is_json_and_a_notification_in_it_is_accepted(block: Block) -> None:
    document = json.loads(block.text)
    if "channel" in document:
        assert checked(block.text) == notification.parse(document)


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=str)
def test_a_python_block_compiles_and_the_notifications_in_it_are_accepted(block: Block) -> None:
    for document in _notifications(ast.parse(block.text)):
        checked(document)


def test_the_python_blocks_hold_notifications() -> None:
    found = [document for block in PYTHON_BLOCKS for document in _notifications(ast.parse(block.text))]
    assert len(found) >= 2


def _notifications(tree: ast.AST) -> Iterator[dict[str, object]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and any(
            isinstance(key, ast.Constant) and key.value == "channel" for key in node.keys
        ):
            yield ast.literal_eval(node)


@pytest.mark.parametrize("command", NOTIFY, ids=str)
def test_a_notify_command_is_one_that_the_command_line_takes(command: Typed) -> None:
    context, found, arguments = _resolved(list(command.words[1:]))
    if isinstance(found, click.Group):
        assert not command.whole, "a whole command names what to do"
        assert all(argument.startswith("-") for argument in arguments)
        return
    try:
        found.make_context(context.info_name, list(arguments), parent=context)
    except click.MissingParameter:
        # In a sentence a command may stand for all its uses.
        if command.whole:
            raise


def _resolved(arguments: list[str]) -> tuple[click.Context, click.Command, list[str]]:
    """The command that the words name, and what is left for it to parse."""
    context, found = click.Context(root, info_name="notify"), root
    command: click.Command = found
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        below = command.get_command(context, name)
        assert below is not None, f"notify has no {name}"
        command = below
        context = click.Context(command, info_name=name, parent=context)
    return context, command, arguments


@pytest.mark.parametrize("command", MAKE, ids=str)
def test_a_make_target_exists(command: Typed) -> None:
    lines = (PROJECT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = {
        name
        for line in lines
        if (found := re.match(r"([a-z][a-z -]*):(?!=)", line))
        for name in found[1].split()
    }
    asked = [word for word in command.words[1:] if "=" not in word and not word.startswith("-")]
    assert set(asked) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_a_page_names_exist(page: Path) -> None:
    for where, code in _options_of(page):
        assert code in ALL_OPTIONS, where


def test_pages_name_options() -> None:
    assert len({code for page in PAGES for _, code in _options_of(page)}) >= 10


def _options_of(page: Path) -> Iterator[tuple[str, str]]:
    for where, code in code_in_sentences(page):
        if OPTION.fullmatch(code):
            yield where, code
    for command in typed(page):
        for word in command.words:
            key = word.partition("=")[0]
            if OPTION.fullmatch(key):
                yield str(command), key


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_that_a_page_names_are_read_by_somebody(page: Path) -> None:
    ours = "".join(
        path.read_text(encoding="utf-8")
        for path in (Path(environment.__file__), Path(metrics_address.__file__))
    )
    composed = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\bNOTIFY_[A-Z_]+", page.read_text(encoding="utf-8")):
        assert f'"{name}"' in ours or f"${{{name}:-" in composed, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        parts = urlsplit(link)
        if not parts.scheme:
            target = (page.parent / parts.path).resolve() if parts.path else page
            assert target.exists(), link
            assert not parts.fragment or parts.fragment in anchors(target), link


def test_every_decision_record_is_in_the_list() -> None:
    listed = set(links(PROJECT / "docs" / "adr" / "README.md"))
    assert {path.name for path in (PROJECT / "docs" / "adr").glob("0*.md")} <= listed
