"""Whether the package `tasks` that this process finds is the one that lies beside `workers`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parent.parent


def refuse_foreign_tasks() -> None:
    """End the process with one clear error where `tasks` is somebody else's.

    Raises:
        SystemExit: It is; no traceback could say more than the sentence.
    """
    found = _origin("tasks")
    if found != _PROJECT / "tasks" / "__init__.py":
        sys.exit(
            f"error: tasks is {found or 'not found'}, not the package of this notifier in {_PROJECT}\n"
            "hint: start the command in another folder, one without a tasks.py or a folder tasks of its own"
        )


def _origin(name: str) -> Path | None:
    """The file that a name would be, or was, imported from; a bare folder's own path."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:
        # Something was put under that name by hand.
        spec = None
    if spec is None:
        return None
    if spec.origin is None:
        return next((Path(place).resolve() for place in spec.submodule_search_locations or ()), None)
    return Path(spec.origin).resolve()
