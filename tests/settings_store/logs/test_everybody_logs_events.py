"""Every log call of ours is an event with fields: what is a sentence cannot be searched by its parts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from settings_store.logs.others import OURS
from tests.rigs.embedded import PROJECT

MODULES = sorted(path for room in OURS for path in (PROJECT / room).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_log_call_names_an_event(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("_log")], value=value):
                assert ast.unparse(value) == "EventLog(__name__)"
            case ast.Call(func=ast.Attribute(value=ast.Name("_log"), attr=_), args=[event, *more]):
                assert not more, f"line {node.lineno}: what belongs to an event is given by name"
                if isinstance(event, ast.Constant):
                    assert isinstance(event.value, str)
                    assert re.fullmatch(r"[a-z][a-z_]+", event.value), f"line {node.lineno}"
